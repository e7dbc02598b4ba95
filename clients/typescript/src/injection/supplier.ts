import type { Explanation } from "../api.js";
import type { CallOptions, Runner } from "../http/operation.js";
import type { Completed, ToolCall } from "../models.js";
import { explain, explainMany, resolve, resolveMany } from "../resources/tools.js";
import { Batch } from "./batch.js";

/** How long the list of hidden arguments may be reused, in milliseconds. */
const FRESH = 30_000;

/** Where a client keeps its `Supplier`. */
export const supplier: unique symbol = Symbol.for("toolvault.supplier");

/** What a vault does for wrapped tools: it names hidden arguments, and completes calls. */
export class Supplier {
  readonly #explaining: Batch<Explanation>;
  readonly #resolving: Batch<Completed>;
  readonly #known = new Map<string, { readonly until: number; readonly names: Promise<readonly string[]> }>();

  constructor(runner: Runner) {
    this.#explaining = new Batch(runner, explain, explainMany);
    this.#resolving = new Batch(runner, resolve, resolveMany);
  }

  /** The arguments for which the user has a default, whether or not it is usable now. */
  hidden(tool: string, accepts: readonly string[] | undefined, user: string | undefined): Promise<readonly string[]> {
    const key = JSON.stringify([tool, accepts, user]);
    const now = performance.now();
    const known = this.#known.get(key);
    if (known && known.until > now) return known.names;
    for (const [stale, { until }] of this.#known) if (until <= now) this.#known.delete(stale);
    const names = this.#explaining
      .run({ tool, accepts }, { user })
      .then((answer) => answer.arguments.filter(({ outcome }) => outcome !== "none").map(({ arg }) => arg));
    this.#known.set(key, { until: now + FRESH, names });
    names.catch(() => this.#known.delete(key));
    return names;
  }

  /** Forgets hidden arguments: a secret has changed. */
  forget(): void {
    this.#known.clear();
  }

  /** The completed arguments of a call. */
  supply(call: ToolCall, options: CallOptions): Promise<Completed> {
    return this.#resolving.run(call, options);
  }
}
