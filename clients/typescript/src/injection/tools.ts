import type { Toolvault } from "../client.js";
import { ConfigurationError } from "../errors.js";
import { isObject } from "../objects.js";
import type { SecretOptions } from "./options.js";
import { place } from "./pointer.js";

/** What is common to the tools that are wrapped at once. */
export interface Wrapping<Context> {
  readonly vault: Toolvault;
  readonly options: SecretOptions<Context>;
  /** The arguments that any of them declares, by their places. */
  readonly seen: Set<string>;
}

/**
 * Wraps one tool, or each tool of a list or of a record by name, and returns the same shape.
 *
 * `isTool` tells a tool from a record of tools. Throws `ConfigurationError` for anything else.
 */
export async function each<T, Context>(
  tools: T,
  vault: Toolvault,
  options: SecretOptions<Context>,
  isTool: (value: unknown) => boolean,
  wrap: (tool: any, name: string | undefined, wrapping: Wrapping<Context>) => Promise<unknown>,
): Promise<T> {
  const wrapping = { vault, options, seen: new Set<string>() };
  const wrapped = await all(tools, isTool, (tool, name) => wrap(tool, name, wrapping));
  const { hide = [], bindings = {}, redact = [] } = options;
  const stray = [...hide, ...Object.keys(bindings), ...redact].find((one) => !wrapping.seen.has(place(one)));
  if (stray === undefined) return wrapped;
  throw new ConfigurationError(`no tool that was given has an argument '${stray}'; name one that its schema declares`);
}

async function all<T>(
  tools: T,
  isTool: (value: unknown) => boolean,
  wrap: (tool: any, name: string | undefined) => Promise<unknown>,
): Promise<T> {
  if (isTool(tools)) return (await wrap(tools, undefined)) as T;
  if (!Array.isArray(tools) && !isObject(tools)) throw unknown(tools);
  const entries = Object.entries(tools);
  const stray = entries.find(([, tool]) => !isTool(tool));
  if (stray) throw unknown(stray[1], stray[0]);
  const wrapping = entries.map(async ([key, tool]): Promise<[string, unknown]> => {
    return [key, await wrap(tool, Array.isArray(tools) ? undefined : key)];
  });
  const wrapped = await Promise.all(wrapping);
  return (Array.isArray(tools) ? wrapped.map(([, tool]) => tool) : Object.fromEntries(wrapped)) as T;
}

function unknown(value: unknown, name?: string): ConfigurationError {
  const what = name === undefined ? "this" : `'${name}'`;
  const kind = value === null ? "null" : typeof value;
  return new ConfigurationError(
    `${what} is no tool of this framework (${kind}): give a tool, or a list or record of tools`,
  );
}

/** The error for a tool that has hidden arguments, but does not run here. */
export function elsewhere(name: string | undefined): ConfigurationError {
  return new ConfigurationError(
    `tool '${name ?? ""}' has no function that runs here, so the vault cannot supply its arguments`,
  );
}
