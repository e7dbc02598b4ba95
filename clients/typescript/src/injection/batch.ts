import { ApiError, TooLarge, ValidationError } from "../errors.js";
import type { CallOptions, Operation, Runner } from "../http/operation.js";
import type { ToolCall } from "../models.js";

/** The most calls in one request. */
const MOST = 100;

interface Waiting<T> extends CallOptions {
  readonly call: ToolCall;
  readonly made: number;
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls that begin in the same turn of the event loop are one request for each user. */
export class Batch<T> {
  readonly #runner: Runner;
  readonly #one: (call: ToolCall) => Operation<T>;
  readonly #many: (calls: readonly ToolCall[]) => Operation<Array<T | ApiError>>;
  #waiting: Waiting<T>[] = [];

  /** `runner` acts for the user that it is given, and for no other: a batch is sent where its first call was made. */
  constructor(
    runner: Runner,
    one: (call: ToolCall) => Operation<T>,
    many: (calls: readonly ToolCall[]) => Operation<Array<T | ApiError>>,
  ) {
    this.#runner = runner;
    this.#one = one;
    this.#many = many;
  }

  /** The result of a call. A signal ends the waiting, not a request that has begun, which others may share. */
  run(call: ToolCall, { user, signal }: CallOptions): Promise<T> {
    return unlessAborted(signal, () => {
      return new Promise((resolve, reject) => {
        if (this.#waiting.length === 0) setImmediate(() => this.#send());
        this.#waiting.push({ call, user, signal, made: performance.now(), resolve, reject });
      });
    });
  }

  #send(): void {
    const waiting = this.#waiting.filter(({ signal }) => !signal?.aborted);
    this.#waiting = [];
    for (const user of new Set(waiting.map((one) => one.user))) {
      const calls = waiting.filter((one) => one.user === user);
      for (let start = 0; start < calls.length; start += MOST)
        void this.#request(calls.slice(start, start + MOST), user);
    }
  }

  async #request(calls: readonly Waiting<T>[], user: string | undefined): Promise<void> {
    const [first] = calls;
    if (first === undefined) return;
    const options = { user, made: first.made };
    try {
      if (calls.length === 1) return first.resolve(await this.#runner.run(this.#one(first.call), options));
      const results = await this.#runner.run(this.#many(calls.map(({ call }) => call)), options);
      for (const [index, result] of results.entries()) {
        if (result instanceof ApiError) calls[index]?.reject(result);
        else calls[index]?.resolve(result);
      }
    } catch (error) {
      if (calls.length > 1 && isOfOne(error)) {
        const half = Math.ceil(calls.length / 2);
        await Promise.all([calls.slice(0, half), calls.slice(half)].map((some) => this.#request(some, user)));
      } else for (const { reject } of calls) reject(error);
    }
  }
}

/** Whether one of several calls may be the reason: it is invalid or too large, or cannot be written as JSON. */
function isOfOne(error: unknown): boolean {
  return error instanceof ValidationError || error instanceof TooLarge || !(error instanceof ApiError);
}

/** The result of some work, unless the signal ends the waiting for it. */
export function unlessAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  // Node.js warns of many listeners of one signal, which many calls may share.
  const own = AbortSignal.any([signal]);
  return new Promise<T>((resolve, reject) => {
    own.throwIfAborted();
    const end = () => reject(own.reason);
    own.addEventListener("abort", end, { once: true });
    // A listener that stays would keep the result in memory for as long as the signal.
    const settled = () => own.removeEventListener("abort", end);
    work().then(resolve, reject).finally(settled);
  });
}
