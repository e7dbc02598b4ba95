import { types } from "node:util";

import type { Search } from "./search.js";

/**
 * Replaces values with `[secret:<name>]` in what a tool returns or throws.
 *
 * This is defence in depth: a tool that has a value can encode it in its own way.
 */
export class Redaction {
  readonly #search: Search;

  constructor(search: Search) {
    this.#search = search;
  }

  /** The redacted result of a tool: the same object where it contained no value, else a copy of the same class. */
  result<T>(value: T): T {
    return this.#search.isEmpty ? value : (this.#cleaned(value, new Map()) as T);
  }

  /** An error, redacted in place, with its causes: it keeps its class and attributes. */
  failure(error: unknown): unknown {
    if (this.#search.isEmpty) return error;
    return error instanceof Error ? this.#failure(error, new Set()) : this.result(error);
  }

  #cleaned(value: unknown, known: Map<object, unknown>): unknown {
    if (typeof value === "string") return this.#search.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (known.has(value)) return known.get(value);
    // A cycle that leads back here sees the original, unless something below has changed it.
    known.set(value, value);
    const clean = this.#object(value, known);
    known.set(value, clean);
    return clean;
  }

  #object(value: object, known: Map<object, unknown>): unknown {
    if (value instanceof Error) return this.failure(value);
    if (Array.isArray(value))
      return kept(
        value,
        value.map((one) => this.#cleaned(one, known)),
      );
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return this.#bytes(value);
    if (value instanceof URL) return this.#search.shows(value.href) ? this.#search.text(value.href) : value;
    if (value instanceof Set) {
      const members = [...value];
      const clean = kept(
        members,
        members.map((one) => this.#cleaned(one, known)),
      );
      return clean === members ? value : new Set(clean);
    }
    if (value instanceof Map) {
      const entries = [...value].flat();
      const clean = kept(
        entries,
        entries.map((one) => this.#cleaned(one, known)),
      );
      return clean === entries ? value : new Map(pairs(clean));
    }
    return this.#members(value, known);
  }

  /** An object with its own enumerable members, and of its class. */
  #members(value: object, known: Map<object, unknown>): object {
    const entries = Object.entries(value).flat();
    const clean = kept(
      entries,
      entries.map((one) => this.#cleaned(one, known)),
    );
    if (clean === entries) return value;
    const copy = Object.create(Object.getPrototypeOf(value), Object.getOwnPropertyDescriptors(value));
    for (const name of Object.keys(value)) delete copy[name];
    for (const [name, one] of pairs(clean)) {
      Object.defineProperty(copy, name as string, { value: one, enumerable: true, writable: true, configurable: true });
    }
    return copy;
  }

  /** Bytes are searched as Latin-1, in which those around a value need not be valid text. */
  #bytes(value: ArrayBufferView | ArrayBufferLike): unknown {
    const bytes = ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : Buffer.from(value);
    const text = bytes.toString("latin1");
    if (!this.#search.shows(text)) return value;
    const clean = Buffer.from(this.#search.text(text), "latin1");
    return Buffer.isBuffer(value) ? clean : new Uint8Array(clean);
  }

  #failure(error: Error, known: Set<unknown>): Error {
    if (known.has(error)) return error;
    known.add(error);
    const changes: PropertyDescriptorMap = {};
    // `message`, `stack` and `cause` are not enumerable.
    for (const name of new Set(["message", "stack", ...Object.getOwnPropertyNames(error)])) {
      const own: unknown = (error as any)[name];
      const value = this.#attribute(own, known);
      const enumerable = Object.getOwnPropertyDescriptor(error, name)?.enumerable ?? false;
      if (value !== own) changes[name] = { value, enumerable, writable: true, configurable: true };
    }
    try {
      return Object.defineProperties(error, changes);
    } catch {
      // It is frozen.
      const all = { ...Object.getOwnPropertyDescriptors(error), ...changes };
      return Object.create(Object.getPrototypeOf(error), all) as Error;
    }
  }

  #attribute(value: unknown, known: Set<unknown>): unknown {
    if (value instanceof Error) return this.#failure(value, known);
    if (Array.isArray(value) && value.some((one) => one instanceof Error)) {
      return kept(
        value,
        value.map((one) => this.#attribute(one, known)),
      );
    }
    return this.result(value);
  }
}

/** The first list if both have the same elements. */
function kept<T>(own: T[], clean: T[]): T[] {
  return clean.every((one, index) => Object.is(one, own[index])) ? own : clean;
}

function* pairs<T>(flat: readonly T[]): Generator<[T, T]> {
  for (let index = 0; index < flat.length; index += 2) yield [flat[index] as T, flat[index + 1] as T];
}
