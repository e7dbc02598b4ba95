import { ApiError } from "../errors.js";
import type { CallOptions, Operation, Runner } from "../http/operation.js";
import type { ToolCall } from "../models.js";

/** The most calls in one request. */
const MOST = 100;

interface Waiting<T> {
  readonly call: ToolCall;
  readonly user: string | undefined;
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls that begin in the same turn of the event loop are one request for each user. */
export class Batch<T> {
  readonly #runner: Runner;
  readonly #one: (call: ToolCall) => Operation<T>;
  readonly #many: (calls: readonly ToolCall[]) => Operation<Array<T | ApiError>>;
  #waiting: Waiting<T>[] = [];

  constructor(
    runner: Runner,
    one: (call: ToolCall) => Operation<T>,
    many: (calls: readonly ToolCall[]) => Operation<Array<T | ApiError>>,
  ) {
    this.#runner = runner;
    this.#one = one;
    this.#many = many;
  }

  /** The result of a call. A signal ends the waiting, not the request, which others may share. */
  run(call: ToolCall, { user, signal }: CallOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      // Node.js warns of many listeners of one signal, which many calls may share.
      const own = signal && AbortSignal.any([signal]);
      own?.addEventListener("abort", () => reject(own.reason), { once: true });
      if (this.#waiting.length === 0) setImmediate(() => this.#send());
      this.#waiting.push({ call, user, resolve, reject });
    });
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const user of new Set(waiting.map((one) => one.user))) {
      const calls = waiting.filter((one) => one.user === user);
      for (let start = 0; start < calls.length; start += MOST)
        void this.#request(calls.slice(start, start + MOST), user);
    }
  }

  async #request(calls: readonly Waiting<T>[], user: string | undefined): Promise<void> {
    const [only] = calls;
    try {
      if (only && calls.length === 1) return only.resolve(await this.#runner.run(this.#one(only.call), { user }));
      const results = await this.#runner.run(this.#many(calls.map(({ call }) => call)), { user });
      for (const [index, result] of results.entries()) {
        if (result instanceof ApiError) calls[index]?.reject(result);
        else calls[index]?.resolve(result);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}
