import { inspect } from "node:util";

const MASK = "Confidential(********)";

/** A value or a key. It has no readable form, cannot be cloned, and returns its content only from `reveal()`. */
export class Confidential {
  readonly #text: string;

  constructor(text: string | Confidential) {
    const content = text instanceof Confidential ? text.reveal() : text;
    if (typeof content !== "string") throw new TypeError("a confidential value must be a string");
    this.#text = content;
    Object.freeze(this);
  }

  /** The content. Pass it on at once, and store it nowhere. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
