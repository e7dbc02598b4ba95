/** What replaces the text from `start` to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly mark: string;
}

/** One spelling of a value, and the mark that replaces it. All its searches are linear, also if it repeats itself. */
export class Form {
  readonly #text: string;
  readonly #mark: string;
  #known: Uint32Array | undefined;

  constructor(text: string, mark: string) {
    this.#text = text;
    this.#mark = mark;
  }

  get length(): number {
    return this.#text.length;
  }

  isIn(text: string): boolean {
    return text.includes(this.#text);
  }

  /** Where it is in a text, in order. Overlapping occurrences are one span, or spans that overlap. */
  *spans(text: string): Generator<Span> {
    for (let start = text.indexOf(this.#text); start >= 0; ) {
      const end = this.#endOf(text, start);
      yield { start, end, mark: this.#mark };
      start = text.indexOf(this.#text, end - this.length + 1);
    }
  }

  /** How many characters at the end of a text may be its beginning. */
  begun(text: string): number {
    let length = 0;
    for (let at = Math.max(0, text.length - this.length + 1); at < text.length; at += 1) {
      length = this.#next(length, text[at], this.#borders);
    }
    return length;
  }

  /** Where the last one ends of those that overlap the one at `start` by its period. Others overlap by less. */
  #endOf(text: string, start: number): number {
    const period = this.length - (this.#borders.at(-1) as number);
    let end = start + this.length;
    if (period === this.length) return end;
    while (end < text.length && text[end] === text[end - period]) end += 1;
    return end - ((end - start - this.length) % period);
  }

  /** For each beginning of it, how many characters at its end are also at its beginning (Knuth, Morris and Pratt). */
  get #borders(): Uint32Array {
    if (this.#known) return this.#known;
    const borders = new Uint32Array(this.length);
    for (let at = 1; at < this.length; at += 1) {
      borders[at] = this.#next(borders[at - 1] as number, this.#text[at], borders);
    }
    this.#known = borders;
    return borders;
  }

  /** How many characters of the beginning are read after one more, if `length` were before. */
  #next(length: number, one: string | undefined, borders: Uint32Array): number {
    let next = length;
    while (next > 0 && this.#text[next] !== one) next = borders[next - 1] as number;
    return this.#text[next] === one ? next + 1 : next;
  }
}
