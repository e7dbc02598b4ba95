import type { Confidential } from "../confidential.js";
import { Form, type Span } from "./form.js";
import { forms, SHORTEST } from "./forms.js";

/** A secret's name and its value. */
export type Named = readonly [name: string, value: Confidential];

/** Finds values in texts. It compiles no pattern from a value, because those are cached. It has no readable form. */
export class Search {
  readonly #forms: readonly Form[];
  /** The length of the shortest form. */
  readonly #least: number;
  /** Whether a number can contain a form. */
  readonly #hasDigits: boolean;

  constructor(values: Iterable<Named>) {
    const found = new Map<string, Form>();
    for (const [name, value] of values) {
      if (value.reveal().length < SHORTEST) continue;
      for (const form of forms(value.reveal())) {
        if (!found.has(form)) found.set(form, new Form(form, `[secret:${name}]`));
      }
    }
    this.#forms = [...found.values()];
    this.#hasDigits = [...found.keys()].some((form) => Number.isFinite(Number(form)));
    this.#least = Math.min(...this.#forms.map((form) => form.length));
  }

  get isEmpty(): boolean {
    return this.#forms.length === 0;
  }

  /** Whether the text contains a value. */
  shows(text: string): boolean {
    return text.length >= this.#least && this.#forms.some((form) => form.isIn(text));
  }

  /** Whether the digits of a number contain a value. */
  showsNumber(number: number | bigint): boolean {
    return this.#hasDigits && this.shows(String(number));
  }

  /** The redacted text. */
  text(text: string): string {
    return this.texts([text])[0] as string;
  }

  /** Consecutive texts, redacted as if they were one. The mark of a value is where the value begins. */
  texts(texts: readonly string[]): string[] {
    const whole = texts.join("");
    const spans = this.#spans(whole);
    if (spans.length === 0) return [...texts];
    let start = 0;
    return texts.map((text) => {
      const [from, to] = [start, start + text.length];
      start = to;
      return without(whole, spans, from, to);
    });
  }

  /** How many of these consecutive texts are decided: no value goes on from them into those that follow. */
  decided(texts: readonly string[]): number {
    const whole = texts.join("");
    const open = whole.length - Math.max(0, ...this.#forms.map((form) => form.begun(whole)));
    const spans = this.#spans(whole);
    let [end, count] = [0, 0];
    texts.forEach((text, index) => {
      end += text.length;
      if (end <= open && !spans.some((span) => span.start < end && end < span.end)) count = index + 1;
    });
    return count;
  }

  /** Where values are, in order. Overlapping ones are one span. */
  #spans(text: string): Span[] {
    const found = this.#forms.flatMap((form) => [...form.spans(text)]);
    found.sort((one, other) => one.start - other.start || other.end - one.end);
    const spans: Span[] = [];
    for (const span of found) {
      const last = spans.at(-1);
      if (last && span.start < last.end) spans[spans.length - 1] = { ...last, end: Math.max(last.end, span.end) };
      else spans.push(span);
    }
    return spans;
  }
}

/** The text from `from` to `to` without what lies in spans, and with the marks of those that begin in it. */
function without(text: string, spans: readonly Span[], from: number, to: number): string {
  let result = "";
  let at = from;
  for (const { start, end, mark } of spans) {
    if (end <= from || start >= to) continue;
    result += text.slice(at, Math.max(start, at));
    if (start >= from) result += mark;
    at = Math.min(end, to);
  }
  return result + text.slice(at, to);
}
