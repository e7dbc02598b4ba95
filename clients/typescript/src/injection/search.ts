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

  /**
   * The first `count` of consecutive texts, redacted as if all were one. The mark of a value is where the value begins.
   *
   * A text may also be the one before with more at its end. Then it shows which value the one before began.
   */
  texts(texts: readonly string[], count = texts.length): string[] {
    const whole = texts.join("");
    const spans = merged([...this.#found(whole), ...this.#grown(texts)]);
    if (spans.length === 0) return texts.slice(0, count);
    let start = 0;
    return texts.slice(0, count).map((text) => {
      const [from, to] = [start, start + text.length];
      start = to;
      return without(whole, spans, from, to);
    });
  }

  /** How many of these consecutive texts are decided: no value goes on from them into those that follow. */
  decided(texts: readonly string[]): number {
    const whole = texts.join("");
    const open = this.#closed(whole);
    const spans = merged(this.#found(whole));
    const last = texts.findLast((text) => text !== "") ?? "";
    const closed = this.#closed(last);
    // Fewer characters show little of a value, and ordinary words end with them.
    const isBegun = last.length - closed >= SHORTEST;
    const mayGrow = texts.findIndex((text, at) => isBegun && text.length > closed && grown(texts, at) === last);
    let [end, count] = [0, 0];
    for (const [index, text] of texts.slice(0, mayGrow < 0 ? texts.length : mayGrow).entries()) {
      end += text.length;
      if (end <= open && !spans.some((span) => span.start < end && end < span.end)) count = index + 1;
    }
    return count;
  }

  /** How much of a text is before what may be the beginning of a value at its end. */
  #closed(text: string): number {
    return text.length - Math.max(0, ...this.#forms.map((form) => form.begun(text)));
  }

  #found(text: string): Span[] {
    return this.#forms.flatMap((form) => [...form.spans(text)]);
  }

  /** What begins a value at the end of a text, if a later text repeats this one with the rest of the value. */
  #grown(texts: readonly string[]): Span[] {
    let from = 0;
    return texts.flatMap((text, index) => {
      const [offset, longest] = [from, grown(texts, index)];
      from += text.length;
      if (longest === text) return [];
      const crossing = this.#found(longest).filter(({ start, end }) => start < text.length && text.length < end);
      return crossing.map(({ start, mark }) => ({ start: offset + start, end: from, mark }));
    });
  }
}

/** The last of the texts that each are the one before, from the one at `index` on, with more at the end. */
function grown(texts: readonly string[], index: number): string {
  let longest = texts[index] as string;
  if (longest === "") return longest;
  for (const text of texts.slice(index + 1)) {
    if (text === "") continue;
    if (!text.startsWith(longest)) break;
    longest = text;
  }
  return longest;
}

/** The spans in order. Overlapping ones are one span. */
function merged(found: Span[]): Span[] {
  found.sort((one, other) => one.start - other.start || other.end - one.end);
  const spans: Span[] = [];
  for (const span of found) {
    const last = spans.at(-1);
    if (last && span.start < last.end) spans[spans.length - 1] = { ...last, end: Math.max(last.end, span.end) };
    else spans.push(span);
  }
  return spans;
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
