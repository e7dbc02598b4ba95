import type { Explanation } from "../api.js";
import type { CallOptions, Runner } from "../http/operation.js";
import type { Completed, ToolCall } from "../models.js";
import { explain, explainMany, resolve, resolveMany } from "../resources/tools.js";
import { Batch, unlessAborted } from "./batch.js";

/** How long the list of hidden arguments may be reused, in milliseconds. */
const FRESH = 30_000;

/** Where a client keeps its `Supplier`. */
export const supplier: unique symbol = Symbol.for("toolvault.supplier");

interface Known {
  readonly until: number;
  readonly names: Promise<readonly string[]>;
}

/** What a vault does for wrapped tools: it names hidden arguments, and completes calls. */
export class Supplier {
  readonly #acting: (user: string | undefined) => string | undefined;
  readonly #explaining: Batch<Explanation>;
  readonly #resolving: Batch<Completed>;
  readonly #known = new Map<string, Known>();

  /** `acting` returns the user of a call that is made there and then. */
  constructor(runner: Runner, acting: (user: string | undefined) => string | undefined) {
    this.#acting = acting;
    this.#explaining = new Batch(runner, explain, explainMany);
    this.#resolving = new Batch(runner, resolve, resolveMany);
  }

  /** The arguments for which the user has a default, whether or not it is usable now. */
  async hidden(
    tool: string,
    accepts: readonly string[] | undefined,
    { user: given, signal }: CallOptions,
  ): Promise<readonly string[]> {
    const user = this.#acting(given);
    const key = JSON.stringify([tool, accepts, user]);
    const now = performance.now();
    const known = this.#known.get(key);
    if (known && known.until > now) return unlessAborted(signal, () => known.names);
    for (const [stale, { until }] of this.#known) if (until <= now) this.#known.delete(stale);
    const names = this.#explaining
      .run({ tool, accepts }, { user })
      .then((answer) => answer.arguments.filter(({ outcome }) => outcome !== "none").map(({ arg }) => arg));
    const asked = { until: now + FRESH, names };
    this.#known.set(key, asked);
    names.catch(() => this.#known.get(key) === asked && this.#known.delete(key));
    return unlessAborted(signal, () => names);
  }

  /** Forgets hidden arguments: a secret has changed. */
  forget(): void {
    this.#known.clear();
  }

  /** The completed arguments of a call. */
  async supply(call: ToolCall, { user, signal }: CallOptions): Promise<Completed> {
    return this.#resolving.run(call, { user: this.#acting(user), signal });
  }
}
