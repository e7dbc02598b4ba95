import { bytesOf, type Holder, holder } from "./graph.js";
import type { Search } from "./search.js";

/**
 * Replaces values with `[secret:<name>]` in what a tool returns or throws: texts, names, bytes and addresses, however
 * deep, also in cycles.
 *
 * This is defence in depth: a tool that has a value can encode it in its own way.
 */
export class Redaction {
  readonly #search: Search;
  readonly #stream: (value: object) => object | undefined;

  /** `stream` returns the redacted stream for a stream, and undefined for other objects. */
  constructor(search: Search, stream: (value: object) => object | undefined = () => undefined) {
    this.#search = search;
    this.#stream = stream;
  }

  /** The redacted value: the same object where it contained nothing, else a copy of the same class; errors in place. */
  result<T>(value: T): T {
    if (this.#search.isEmpty) return value;
    if (typeof value === "string") return this.#search.text(value) as T;
    return (isObject(value) ? (this.#copies(value).get(value) ?? value) : value) as T;
  }

  /** The copies of the objects from which a value can be reached. */
  #copies(root: object): Map<object, unknown> {
    const copies = new Map<object, unknown>();
    const holders = new Map<object, Holder>();
    const parents = new Map<object, object[]>();
    const found: object[] = [];
    const waiting = [root];
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (holders.has(one) || copies.has(one)) continue;
      const leaf = this.#leaf(one);
      if (leaf !== undefined) {
        if (leaf !== one) found.push(one);
        copies.set(one, leaf);
        continue;
      }
      const held = holder(one);
      holders.set(one, held);
      for (const member of held.members) {
        if (typeof member === "string" && this.#search.shows(member)) found.push(one);
        if (!isObject(member)) continue;
        waiting.push(member);
        const known = parents.get(member);
        if (known) known.push(one);
        else parents.set(member, [one]);
      }
    }
    const changed = new Set<object>();
    for (let one = found.pop(); one !== undefined; one = found.pop()) {
      if (changed.has(one)) continue;
      changed.add(one);
      found.push(...(parents.get(one) ?? []));
    }
    for (const one of changed) if (!copies.has(one)) copies.set(one, (holders.get(one) as Holder).empty());
    for (const one of changed) {
      holders.get(one)?.fill(
        copies.get(one),
        (holders.get(one) as Holder).members.map((each) => this.#member(each, copies)),
      );
    }
    return copies;
  }

  #member(value: unknown, copies: ReadonlyMap<object, unknown>): unknown {
    if (typeof value === "string") return this.#search.text(value);
    return isObject(value) ? (copies.get(value) ?? value) : value;
  }

  /** For an object that holds no others: what replaces it, or itself. */
  #leaf(value: object): unknown {
    if (value instanceof URL) return this.#search.shows(value.href) ? this.#search.text(value.href) : value;
    const bytes = bytesOf(value);
    if (bytes === undefined) return this.#stream(value);
    // As Latin-1, the bytes around a value stay as they are.
    const text = bytes.toString("latin1");
    if (!this.#search.shows(text)) return value;
    const clean = Buffer.from(this.#search.text(text), "latin1");
    return Buffer.isBuffer(value) ? clean : new Uint8Array(clean);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
