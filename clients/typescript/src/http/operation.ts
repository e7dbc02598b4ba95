import { Confidential } from "../confidential.js";

/** How one call is made. */
export interface CallOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
  /** The user for whom a key with `any_user` acts in this call. */
  readonly user?: string | undefined;
}

/** A whole answer. Its content may hold values. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly content: unknown;
}

/** One operation of the API, as data: the request, how to read the answer, and whether a retry is safe. */
export interface Operation<T> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to the server's address. */
  readonly path: string;
  readonly read: (answer: Answer) => T;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: Body;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Whether a second request does no harm. */
  readonly isRepeatable?: boolean;
  /** The tool concerned, for errors. */
  readonly tool?: string;
}

export interface RunOptions extends CallOptions {
  /** When the call was made (`performance.now()`), if it has waited since. It counts for the timeout. */
  readonly made?: number;
}

/** Runs operations. */
export interface Runner {
  run<T>(operation: Operation<T>, options?: RunOptions): Promise<T>;
}

/** The body of a request, written as late as possible. */
export class Body {
  readonly #content: unknown;
  readonly mediaType: string;

  constructor(content: unknown, mediaType = "application/json") {
    this.#content = content;
    this.mediaType = mediaType;
  }

  /** The body as bytes. Throws `TypeError`, which never names the content. */
  encoded(): Buffer {
    if (this.#content instanceof Confidential) return Buffer.from(this.#content.reveal());
    return Buffer.from(JSON.stringify(this.#content, written));
  }
}

/** Reveals confidential values, and spells out integers that JSON.stringify refuses. */
function written(this: any, name: string, value: unknown): unknown {
  const original: unknown = this[name];
  if (original instanceof Confidential) return original.reveal();
  return typeof value === "bigint" ? String(value) : value;
}

/** A text as one segment of a path, even if it consists of dots. */
export function segment(text: string | number): string {
  const encoded = encodeURIComponent(text);
  return /^\.+$/.test(encoded) ? encoded.replaceAll(".", "%2E") : encoded;
}

/** Reads the content as it is. */
export function asIs<T>(answer: Answer): T {
  return answer.content as T;
}

/** Reads the items in `data`. */
export function data<T>(answer: Answer): readonly T[] {
  return (answer.content as { data: readonly T[] }).data;
}

/** Reads an empty object. */
export function nothing(): void {}
