import { inspect } from "node:util";

import type * as api from "./api.js";
import type { Confidential } from "./confidential.js";

/** A secret without its value, with metadata of the answer: the `etag` for `ifMatch`, and its warnings. */
export interface SecretInfo extends api.SecretInfo {
  readonly etag: string | undefined;
  readonly warnings: readonly string[];
}

/** A new API key. Only this answer has the key: `key.reveal()`. */
export interface IssuedKey extends Omit<api.IssuedKey, "key"> {
  readonly key: Confidential;
}

/** The members of a tool call. Its arguments come from a model and are data. */
export interface ResolveOptions {
  /** References such as `secret://linear-prod`, from trusted configuration. */
  readonly bindings?: Readonly<Record<string, string>> | undefined;
  /** The arguments that defaults may complete; all if not given. */
  readonly accepts?: readonly string[] | undefined;
  /** The arguments that must have a value. */
  readonly require?: readonly string[] | undefined;
}

/** A tool call for `resolveMany`. */
export interface ToolCall extends ResolveOptions {
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The arguments for the tool, values included: pass them on and store them nowhere.
 *
 * They are plain, because tools need them so. The object itself shows only names.
 */
export class Completed {
  readonly tool_name: string;
  readonly applied: readonly api.Applied[];
  readonly #args: Readonly<Record<string, unknown>>;

  constructor(tool: string, args: Readonly<Record<string, unknown>>, applied: readonly api.Applied[]) {
    this.tool_name = tool;
    this.applied = applied;
    this.#args = args;
  }

  get args(): Readonly<Record<string, unknown>> {
    return this.#args;
  }

  toJSON(): object {
    return { tool_name: this.tool_name, applied: this.applied };
  }

  [inspect.custom](): string {
    return `Completed(${JSON.stringify(this)})`;
  }
}
