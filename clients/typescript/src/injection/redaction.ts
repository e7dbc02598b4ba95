import { types } from "node:util";

import { isReference } from "../objects.js";
import { bytesOf, type Holder, holder } from "./graph.js";
import type { Search } from "./search.js";

/** A date is no value. What is in the others can be read only later, and a copy of them could not be used. */
const OPAQUE = [Date, Request, Blob, FormData];

/**
 * Replaces values with `[secret:<name>]` in what a tool returns or throws: texts, numbers, names, bytes and addresses,
 * however deep, also in cycles, in promises, and in streams.
 *
 * This is defence in depth: a tool that has a value can encode it in its own way.
 */
export class Redaction {
  readonly #search: Search;
  readonly #stream: (value: object) => object | undefined;

  /** `stream` returns the redacted stream for a stream, and undefined for other objects. */
  constructor(search: Search, stream: (value: object) => object | undefined) {
    this.#search = search;
    this.#stream = stream;
  }

  /** The redacted value: the same object where it contained nothing, else a copy of the same class; errors in place. */
  result<T>(value: T): T {
    if (this.#search.isEmpty) return value;
    return this.#member(value, isReference(value) ? this.#copies(value) : new Map()) as T;
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
        if (!isReference(member)) {
          if (this.#isFound(member)) found.push(one);
          continue;
        }
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
    const known = [...changed].flatMap((one) => holders.get(one) ?? []);
    const own = [...changed].filter((one) => holders.has(one));
    for (const [index, one] of own.entries()) copies.set(one, (known[index] as Holder).empty());
    for (const [index, one] of own.entries()) {
      const { members, fill } = known[index] as Holder;
      const clean = members.map((each) => this.#member(each, copies));
      fill(copies.get(one) as object, clean, (value) => this.result(value));
    }
    return copies;
  }

  #isFound(value: unknown): boolean {
    if (typeof value === "string") return this.#search.shows(value);
    return (typeof value === "number" || typeof value === "bigint") && this.#search.showsNumber(value);
  }

  #member(value: unknown, copies: ReadonlyMap<object, unknown>): unknown {
    if (isReference(value)) return copies.get(value) ?? value;
    return this.#isFound(value) ? this.#search.text(String(value)) : value;
  }

  /** For an object that holds no others: what replaces it, or itself. */
  #leaf(value: object): unknown {
    if (value instanceof URL) return this.#search.shows(value.href) ? this.#search.text(value.href) : value;
    if (types.isBoxedPrimitive(value)) return this.#isFound(value.valueOf()) ? this.result(value.valueOf()) : value;
    if (value instanceof Headers || value instanceof URLSearchParams) {
      const entries = [...value];
      const clean = this.result(entries);
      return clean === entries ? value : new (value.constructor as typeof Headers | typeof URLSearchParams)(clean);
    }
    if (types.isPromise(value)) return this.#promise(value);
    if (OPAQUE.some((kind) => value instanceof kind)) return value;
    const bytes = bytesOf(value);
    if (bytes === undefined) return this.#stream(value);
    // As Latin-1, the bytes around a value stay as they are.
    const text = bytes.toString("latin1");
    if (!this.#search.shows(text)) return value;
    const clean = Buffer.from(this.#search.text(text), "latin1");
    return Buffer.isBuffer(value) ? clean : new Uint8Array(clean);
  }

  #promise(value: Promise<unknown>): Promise<unknown> {
    const redacted = value.then(
      (result) => this.result(result),
      (error) => Promise.reject(this.result(error)),
    );
    // Whether a rejection is handled is up to those who have the original.
    redacted.catch(() => {});
    return redacted;
  }
}
