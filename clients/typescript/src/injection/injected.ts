import { inspect } from "node:util";

import { Confidential } from "../confidential.js";
import { ToolvaultError } from "../errors.js";
import type { Completed } from "../models.js";
import { isObject, isReference } from "../objects.js";
import { redactionOf } from "./parts.js";
import { at, overlaps, place, withAt } from "./pointer.js";
import type { Redaction } from "./redaction.js";
import type { Declared } from "./schema.js";
import { type Named, Search } from "./search.js";

type Arguments = Readonly<Record<string, unknown>>;

/** A value is not of the type that the tool's schema asks for. */
export class ValueRefused extends ToolvaultError {}

/** One call of a tool: its arguments, values included, and what redacts its result. It shows only names. */
export class Injected {
  readonly tool: string;
  readonly #redaction: Redaction;
  readonly #args: Arguments;

  /** `types` has what arguments may be, by place; `redact` names those to redact, as their policies say by default. */
  constructor(completed: Completed, types: ReadonlyMap<string, Declared>, redact: readonly string[] | undefined) {
    const values: Named[] = [];
    let args: unknown = completed.args;
    for (const { arg, secret_name: name, redact: isConfidential } of completed.applied) {
      const value = typed(arg, String(at(completed.args, arg)), types.get(place(arg))?.types);
      args = withAt(args, arg, value);
      if (redact ? redact.some((one) => overlaps(one, arg)) : isConfidential) {
        const texts = [String(at(completed.args, arg)), ...leaves(value)];
        values.push(...texts.map((text): Named => [name, new Confidential(text)]));
      }
    }
    this.tool = completed.tool_name;
    this.#redaction = redactionOf(new Search(values));
    this.#args = args as Arguments;
  }

  /** The arguments, values included. Pass them on at once, and store them nowhere. */
  get args(): Arguments {
    return this.#args;
  }

  /** Calls the tool. Values are redacted in what it returns, streams, or throws. */
  async run<T>(tool: (args: any) => T | PromiseLike<T>): Promise<T> {
    try {
      return this.redact(await tool(this.#args));
    } catch (error) {
      throw this.#redaction.result(error);
    }
  }

  /** The redacted value. Of a stream, each part. */
  redact<T>(value: T): T {
    return this.#redaction.result(value);
  }

  toJSON(): object {
    return { tool: this.tool };
  }

  [inspect.custom](): string {
    return `Injected(${JSON.stringify(this.tool)})`;
  }
}

/** The value in the type that the schema asks for, where that is not a string. */
function typed(argument: string, text: string, types: ReadonlySet<string> = new Set()): unknown {
  if (types.size === 0 || types.has("string")) return text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error would show the value.
  }
  if (value !== undefined && [...types].some((type) => isOf(type, value))) return value;
  throw new ValueRefused(
    `the value for argument '${argument}' is not of type ${[...types].join(" or ")}; store one that is`,
  );
}

function isOf(type: string, value: unknown): boolean {
  if (type === "object") return isObject(value);
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isSafeInteger(value);
  return typeof value === type;
}

/** The texts and numbers in a value that is no text: credentials are members of it. */
function* leaves(value: unknown): Generator<string> {
  if (typeof value === "string" || typeof value === "number") yield String(value);
  else if (isReference(value)) for (const one of Object.values(value)) yield* leaves(one);
}
