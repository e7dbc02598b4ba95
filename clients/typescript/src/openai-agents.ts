/** Tools of the OpenAI Agents SDK (JavaScript) whose keys come from the vault. */

import {
  type FunctionTool,
  tool as functionTool,
  getCurrentSpan,
  type RunContext,
  type ToolOptions,
} from "@openai/agents";

import type { Toolvault } from "./client.js";
import { described } from "./injection/description.js";
import { Injector } from "./injection/injector.js";
import type { SecretOptions } from "./injection/options.js";
import { type Phases, phases, standard } from "./injection/phases.js";
import { type JsonSchema, without } from "./injection/schema.js";
import { each, type Wrapping } from "./injection/tools.js";
import type { Zod } from "./injection/zod.js";
import { isObject } from "./objects.js";

type Context = RunContext<any> | undefined;
type Options = SecretOptions<Context>;

/**
 * The same tool, or list or record of tools, without the arguments that the vault supplies. The model does not see
 * them; the call has them.
 *
 * Give it the options of `tool()`, and its result to `tool()`. It also takes a tool that is already built (such as one
 * of an MCP server): the SDK logs the arguments of such a tool at DEBUG, unless OPENAI_AGENTS_DONT_LOG_TOOL_DATA=1.
 * `user` may be a function of the run's context. A call without its secret throws `SecretMissing` or a related error
 * inside the tool; the SDK passes it to the tool's `errorFunction`.
 */
export function withSecrets<T extends object>(tools: T, vault: Toolvault, options: Options = {}): Promise<T> {
  return each(tools, vault, options, isTool, async (tool, _, wrapping) => {
    if (typeof tool.execute === "function") return unbuilt(tool, wrapping);
    // Another kind of tool runs at the provider.
    return tool.type === "function" ? built(tool, wrapping) : tool;
  });
}

function isTool(value: unknown): boolean {
  return isObject(value) && (typeof value.type === "string" || typeof value.execute === "function");
}

async function unbuilt(tool: ToolOptions<any, any>, wrapping: Wrapping<Context>): Promise<unknown> {
  const { name, parameters: full } = functionTool<any, any>(tool);
  const injector = await Injector.of(wrapping, name, full as JsonSchema);
  if (injector === undefined) return tool;
  const stages = await phases(tool.parameters, injector.hidden, (args) => standard(tool.parameters, args));
  return {
    ...tool,
    name: tool.name ?? name,
    description: described(tool.description, injector.hidden),
    parameters: stages.visible ? lenient(stages.visible) : without(full as JsonSchema, injector.hidden),
    execute: execute(tool.execute, stages, injector),
  };
}

function execute(own: (...args: any[]) => unknown, { rest }: Phases, injector: Injector<Context>) {
  return async (input: unknown, context?: RunContext<any>, details?: { signal?: AbortSignal }) => {
    const injected = await injector.inject(input, context, details?.signal);
    return injected.run(async (args) => own(await rest(args), context, details));
  };
}

/** What the model makes up is dropped, not refused. The schema that the SDK sends to the model allows nothing else. */
function lenient(schema: Zod): Zod {
  const { def } = schema._zod;
  return def.type === "object" ? schema.clone({ ...def, catchall: undefined }, { parent: true }) : schema;
}

async function built(tool: FunctionTool<any, any>, wrapping: Wrapping<Context>): Promise<unknown> {
  const full = tool.parameters as JsonSchema;
  const injector = await Injector.of(wrapping, tool.name, full);
  if (injector === undefined) return tool;
  const invoke: typeof tool.invoke = async (context, input, details) => {
    const given = parsed(input);
    // The tool says itself what is wrong with its input.
    if (given === undefined) return tool.invoke(context, input, details);
    const injected = await injector.inject(given, context, details?.signal);
    try {
      return await injected.run((args) => tool.invoke(context, JSON.stringify(args), details));
    } finally {
      const span = getCurrentSpan();
      if (span?.error) span.setError(injected.redact(span.error));
    }
  };
  const reduced = without(full, injector.hidden) as typeof tool.parameters;
  return { ...tool, description: described(tool.description, injector.hidden), parameters: reduced, invoke };
}

function parsed(input: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(input || "{}");
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
