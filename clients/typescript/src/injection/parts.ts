import { Redaction } from "./redaction.js";
import type { Search } from "./search.js";

const DEEPEST = 16;

/**
 * The parts of a stream, redacted also where a value lies across parts.
 *
 * Parts are held back while a value may go on in the next one. Their number and order do not change. In parts that are
 * objects, the texts at the same place (such as `delta`) are read as one text.
 */
export class Parts {
  readonly #search: Search;
  readonly #redaction: Redaction;
  #waiting: unknown[] = [];

  constructor(search: Search) {
    this.#search = search;
    this.#redaction = new Redaction(search);
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

  #take(count: number): unknown[] {
    const cleaned = this.#waiting.slice(0, count).map(() => new Map<string, string>());
    for (const [place, texts] of this.#texts()) {
      for (const [index, text] of this.#search.texts(texts.slice(0, count)).entries()) cleaned[index]?.set(place, text);
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

/** A stream whose parts are redacted: of a `ReadableStream` or an async iterable; undefined for other objects. */
export function redactedStream(source: object, search: Search): object | undefined {
  if (source instanceof ReadableStream) return source.pipeThrough(transform(new Parts(search)));
  return Symbol.asyncIterator in source ? redacted(source as AsyncIterable<unknown>, search) : undefined;
}

async function* redacted(source: AsyncIterable<unknown>, search: Search): AsyncGenerator<unknown, unknown> {
  const [parts, redaction] = [new Parts(search), new Redaction(search)];
  const iterator = source[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (true) {
      const { done, value } = await iterator.next();
      if (done) {
        isDone = true;
        yield* parts.end();
        return redaction.result(value);
      }
      yield* parts.push(value);
    }
  } catch (error) {
    throw redaction.result(error);
  } finally {
    if (!isDone) await iterator.return?.();
  }
}

function transform(parts: Parts): TransformStream {
  return new TransformStream({
    transform: (part, controller) => {
      for (const one of parts.push(part)) controller.enqueue(one);
    },
    flush: (controller) => {
      for (const one of parts.end()) controller.enqueue(one);
    },
  });
}

/** The texts in a part, by their place in it. Bytes are read as Latin-1. */
function texts(part: unknown): Map<string, string> {
  const found = new Map<string, string>();
  collect(part, "", found, DEEPEST);
  return found;
}

function collect(value: unknown, place: string, found: Map<string, string>, depth: number): void {
  if (typeof value === "string") found.set(place, value);
  else if (value instanceof Uint8Array) found.set(place, Buffer.from(value).toString("latin1"));
  else if (isPlain(value) && depth > 0) {
    for (const [name, one] of Object.entries(value)) collect(one, `${place}/${name}`, found, depth - 1);
  }
}

/** A copy of a part with other texts; the part itself if none differs. */
function replaced(value: unknown, clean: ReadonlyMap<string, string>, place = ""): unknown {
  if (typeof value === "string") return clean.get(place) ?? value;
  if (value instanceof Uint8Array) {
    const text = clean.get(place);
    const isSame = text === undefined || text === Buffer.from(value).toString("latin1");
    return isSame ? value : new Uint8Array(Buffer.from(text, "latin1"));
  }
  if (!isPlain(value) || ![...clean.keys()].some((one) => one.startsWith(`${place}/`))) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, replaced(one, clean, `${place}/${name}`)] as const);
  if (entries.every(([name, one]) => one === (value as any)[name])) return value;
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
