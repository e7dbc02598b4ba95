import { Readable } from "node:stream";
import { types } from "node:util";

import { define, isReference } from "../objects.js";
import { pointer } from "./pointer.js";
import { Redaction } from "./redaction.js";
import type { Search } from "./search.js";

const DEEPEST = 16;

/**
 * The parts of a stream, redacted also where a value lies across parts.
 *
 * Parts are held back while a value may go on in the next one. Their number and order do not change. In parts that are
 * objects, the texts at the same place (such as `delta`) are read as one text, or as one that grows. Bytes are read as
 * Latin-1.
 */
export class Parts {
  readonly #search: Search;
  readonly #redaction: Redaction;
  #waiting: unknown[] = [];

  constructor(search: Search) {
    this.#search = search;
    this.#redaction = redactionOf(search);
  }

  /** The parts that can be passed on when this one has arrived. */
  push(part: unknown): unknown[] {
    if (this.#search.isEmpty) return [part];
    this.#waiting.push(part);
    const decided = [...this.#texts().values()].map((texts) => this.#search.decided(texts));
    return this.#take(Math.min(this.#waiting.length, ...decided));
  }

  /** The parts that are left at the end. */
  end(): unknown[] {
    return this.#take(this.#waiting.length);
  }

  /** What a stream returns, or with which it fails, redacted. */
  result(value: unknown): unknown {
    return this.#redaction.result(value);
  }

  #take(count: number): unknown[] {
    const cleaned = this.#waiting.slice(0, count).map(() => new Map<string, string>());
    for (const [place, texts] of this.#texts()) {
      for (const [index, text] of this.#search.texts(texts, count).entries()) cleaned[index]?.set(place, text);
    }
    const taken = this.#waiting.splice(0, count);
    return taken.map((part, index) => this.#redaction.result(replaced(part, cleaned[index] as Map<string, string>)));
  }

  /** The texts of the waiting parts, by their place. */
  #texts(): Map<string, string[]> {
    const parts = this.#waiting.map(texts);
    const places = new Set(parts.flatMap((one) => [...one.keys()]));
    return new Map([...places].map((place) => [place, parts.map((one) => one.get(place) ?? "")]));
  }
}

/** What redacts results, and the parts of streams in them. */
export function redactionOf(search: Search): Redaction {
  return new Redaction(search, (stream) => redactedStream(stream, search));
}

/** A stream whose parts are redacted: of one of Node.js or the web, or an iterator; undefined for other objects. */
function redactedStream(source: object, search: Search): object | undefined {
  if (source instanceof ReadableStream) return web(source, search);
  if (source instanceof Response) return response(source, search);
  if (source instanceof Readable) return node(source, search);
  if (Symbol.asyncIterator in source) return redacted(source as AsyncIterable<unknown>, search);
  return isIterator(source) ? redactedNow(source, search) : undefined;
}

function isIterator(source: object): source is IterableIterator<unknown> {
  return Symbol.iterator in source && "next" in source && typeof source.next === "function";
}

async function* redacted(source: AsyncIterable<unknown>, search: Search): AsyncGenerator<unknown, unknown> {
  const parts = new Parts(search);
  try {
    const iterator = source[Symbol.asyncIterator]();
    let one: IteratorResult<unknown> | undefined;
    try {
      for (one = await iterator.next(); !one.done; one = await iterator.next()) yield* parts.push(one.value);
    } catch (error) {
      // What came before the failure is passed on.
      yield* parts.end();
      throw error;
    } finally {
      if (!one?.done) await iterator.return?.();
    }
    yield* parts.end();
    return parts.result(one.value);
  } catch (error) {
    throw parts.result(error);
  }
}

/** The same without promises. */
function* redactedNow(source: Iterable<unknown>, search: Search): Generator<unknown, unknown> {
  const parts = new Parts(search);
  try {
    const iterator = source[Symbol.iterator]();
    let one: IteratorResult<unknown> | undefined;
    try {
      for (one = iterator.next(); !one.done; one = iterator.next()) yield* parts.push(one.value);
    } catch (error) {
      // What came before the failure is passed on.
      yield* parts.end();
      throw error;
    } finally {
      if (!one?.done) iterator.return?.();
    }
    yield* parts.end();
    return parts.result(one.value);
  } catch (error) {
    throw parts.result(error);
  }
}

/** It fails with its source when it is read, and ends it when it is destroyed. */
function node(source: Readable, search: Search): Readable {
  const stream = Readable.from(redacted(source, search), { objectMode: source.readableObjectMode });
  source.on("error", () => {});
  stream.once("close", () => source.destroy());
  return stream;
}

/** It locks the source when it is read. */
function web(source: ReadableStream, search: Search): ReadableStream {
  const redaction = redactionOf(search);
  let reader: ReadableStreamDefaultReader | undefined;
  const next = async (): Promise<IteratorResult<unknown>> => {
    reader ??= source.getReader();
    return (await reader.read()) as IteratorResult<unknown>;
  };
  const parts = redacted({ [Symbol.asyncIterator]: () => ({ next }) }, search);
  return new ReadableStream(
    {
      pull: async (controller) => {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason) => {
        await (reader ?? source).cancel(reason).catch((error: unknown) => Promise.reject(redaction.result(error)));
      },
    },
    { highWaterMark: 0 },
  );
}

/** The same answer with another body. */
function response(own: Response, search: Search): Response {
  const { status, statusText, headers, body, bodyUsed, url, redirected, type } = own;
  // There is no answer to copy.
  if (status < 200) return own;
  const redaction = redactionOf(search);
  const text = redaction.result(statusText);
  const copy = new Response(bodyUsed ? "" : body && web(body, search), {
    status,
    statusText: text,
    headers: redaction.result(headers),
  });
  for (const [name, value] of Object.entries({ url: redaction.result(url), redirected, type }))
    define(copy, name, value);
  // Its body cannot be read again either.
  if (bodyUsed) void copy.text();
  return copy;
}

/** The texts in a part, by their place in it; of an object that is in it twice, where it is found first. */
function texts(part: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<object>();
  const collect = (value: unknown, place: string, depth: number): void => {
    if (typeof value === "string") found.set(place, value);
    if (!isReference(value) || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Uint8Array) found.set(place, latin1(value));
    else if (isWalked(value) && depth > 0) {
      for (const [name, one] of Object.entries(value)) collect(one, inside(place, name), depth - 1);
    }
  };
  collect(part, "", DEEPEST);
  return found;
}

/** A part with other texts: copies of the objects that hold one, of the same class; the part itself if none differs. */
function replaced(part: unknown, clean: ReadonlyMap<string, string>): unknown {
  const before = texts(part);
  const changed = [...clean].filter(([place, text]) => text !== (before.get(place) ?? "")).map(([place]) => place);
  const copies = new Map<object, unknown>();
  const copied = (value: unknown, place: string): unknown => {
    if (typeof value === "string") return changed.includes(place) ? clean.get(place) : value;
    if (!isReference(value)) return value;
    if (copies.has(value)) return copies.get(value);
    if (changed.includes(place)) {
      copies.set(value, new Uint8Array(Buffer.from(clean.get(place) as string, "latin1")));
    } else if (changed.some((one) => one.startsWith(`${place}/`))) {
      const copy = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
      copies.set(value, copy);
      for (const name of Reflect.ownKeys(value)) {
        const { enumerable = false } = Object.getOwnPropertyDescriptor(value, name) ?? {};
        const one: unknown = (value as any)[name];
        const own = typeof name === "string" && enumerable ? copied(one, inside(place, name)) : one;
        if (name !== "length" || !Array.isArray(value)) define(copy, name, own, enumerable);
      }
    }
    return copies.get(value) ?? value;
  };
  return changed.length === 0 ? part : copied(part, "");
}

function inside(place: string, name: string): string {
  return `${place}${pointer([name])}`;
}

/** The bytes as a text that keeps them as they are. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A stream has no texts until it is read, and an error keeps its identity. */
function isWalked(value: object): boolean {
  return !(Symbol.asyncIterator in value) && !isIterator(value) && !types.isNativeError(value);
}
