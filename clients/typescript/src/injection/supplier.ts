import { ApiError } from "../errors.js";
import type { CallOptions, Runner } from "../http/operation.js";
import type { Completed, ToolCall } from "../models.js";
import { explain, resolve, resolveMany } from "../resources/tools.js";

/** How long the list of hidden arguments may be reused, in milliseconds. */
const FRESH = 30_000;
/** The most calls in one request. */
const MOST = 100;

/** Where a client keeps its `Supplier`. */
export const supplier: unique symbol = Symbol.for("toolvault.supplier");

interface Waiting {
  readonly call: ToolCall;
  readonly user: string | undefined;
  readonly resolve: (completed: Completed) => void;
  readonly reject: (error: unknown) => void;
}

/** What a vault does for wrapped tools: it names hidden arguments, and completes calls, several in one request. */
export class Supplier {
  readonly #runner: Runner;
  readonly #known = new Map<string, { readonly until: number; readonly names: Promise<readonly string[]> }>();
  #waiting: Waiting[] = [];

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** The arguments for which the user has a default, whether or not it is usable now. */
  hidden(tool: string, accepts: readonly string[] | undefined, options: CallOptions): Promise<readonly string[]> {
    const key = JSON.stringify([tool, accepts, options.user]);
    const now = performance.now();
    const known = this.#known.get(key);
    if (known && known.until > now) return known.names;
    for (const [stale, { until }] of this.#known) if (until <= now) this.#known.delete(stale);
    const names = this.#runner
      .run(explain({ tool, accepts }), options)
      .then((answer) => answer.arguments.filter(({ outcome }) => outcome !== "none").map(({ arg }) => arg));
    this.#known.set(key, { until: now + FRESH, names });
    names.catch(() => this.#known.delete(key));
    return names;
  }

  /** Forgets hidden arguments: a secret has changed. */
  forget(): void {
    this.#known.clear();
  }

  /** The completed arguments. Calls that begin in the same turn of the event loop are one request. */
  supply(call: ToolCall, { user, signal }: CallOptions): Promise<Completed> {
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
    for (const user of new Set(waiting.map(({ user }) => user))) {
      const calls = waiting.filter((one) => one.user === user);
      for (let start = 0; start < calls.length; start += MOST) void this.#batch(calls.slice(start, start + MOST), user);
    }
  }

  async #batch(calls: readonly Waiting[], user: string | undefined): Promise<void> {
    const [only] = calls;
    try {
      if (only && calls.length === 1) return only.resolve(await this.#runner.run(resolve(only.call), { user }));
      const results = await this.#runner.run(resolveMany(calls.map(({ call }) => call)), { user });
      results.forEach((result, index) => {
        if (result instanceof ApiError) calls[index]?.reject(result);
        else calls[index]?.resolve(result);
      });
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}
