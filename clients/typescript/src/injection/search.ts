import type { Confidential } from "../confidential.js";
import { forms, SHORTEST } from "./forms.js";

/** What replaces the text from `start` to `end`. */
interface Span {
  readonly start: number;
  end: number;
  readonly mark: string;
}

/** A secret's name and its value. */
export type Named = readonly [name: string, value: Confidential];

/** Finds values in texts. It compiles no pattern from a value, because those are cached. It has no readable form. */
export class Search {
  readonly #marks = new Map<string, string>();
  readonly #forms: readonly string[];
  /** The length of the shortest form. */
  readonly #least: number;

  constructor(values: Iterable<Named>) {
    for (const [name, value] of values) {
      if (value.reveal().length < SHORTEST) continue;
      for (const form of forms(value.reveal())) {
        if (!this.#marks.has(form)) this.#marks.set(form, `[secret:${name}]`);
      }
    }
    this.#forms = [...this.#marks.keys()];
    this.#least = Math.min(...this.#forms.map((form) => form.length));
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  /** Whether the text contains a value. */
  shows(text: string): boolean {
    return text.length >= this.#least && this.#forms.some((form) => text.includes(form));
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
    const open = whole.length - Math.max(0, ...this.#forms.map((form) => begun(whole, form)));
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
    const found: Span[] = [];
    for (const [form, mark] of this.#marks) {
      for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + form.length)) {
        found.push({ start, end: start + form.length, mark });
      }
    }
    found.sort((one, other) => one.start - other.start || other.end - one.end);
    const spans: Span[] = [];
    for (const span of found) {
      const last = spans.at(-1);
      if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
      else spans.push(span);
    }
    return spans;
  }
}

/** How many characters at the end of the text may be the beginning of a form. */
function begun(text: string, form: string): number {
  for (let length = Math.min(form.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(form.slice(0, length))) return length;
  }
  return 0;
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
