/** Tools of the Vercel AI SDK whose keys come from the vault. */

import { AsyncResource } from "node:async_hooks";

import { asSchema, type FlexibleSchema, jsonSchema, type Tool, type ToolExecutionOptions } from "ai";

import type { Toolvault } from "./client.js";
import { described } from "./injection/description.js";
import { Injector } from "./injection/injector.js";
import type { SecretOptions } from "./injection/options.js";
import { type Phases, phases } from "./injection/phases.js";
import { type JsonSchema, without } from "./injection/schema.js";
import { each, elsewhere, type Wrapping } from "./injection/tools.js";
import { isObject } from "./objects.js";

type Context = ToolExecutionOptions<any>;
type Schema = ReturnType<typeof asSchema<any>>;
type Execute = (input: any, options: Context) => any;

/**
 * The same tool, or list or record of tools, without the arguments that the vault supplies. The model does not see
 * them; the call has them.
 *
 * In a record, the vault knows each tool by its name there; a single tool or a list needs `toolName`. `user` may be a
 * function of the call's options. A call without its secret rejects with `SecretMissing` or a related error, with the
 * argument's name.
 */
export function withSecrets<T extends object>(
  tools: T,
  vault: Toolvault,
  options: SecretOptions<Context> = {},
): Promise<T> {
  return each(tools, vault, options, isTool, wrapped);
}

function isTool(value: unknown): boolean {
  return isObject(value) && "inputSchema" in value;
}

async function wrapped(tool: Tool<any, any>, name: string | undefined, wrapping: Wrapping<Context>): Promise<unknown> {
  // It runs at the provider.
  if (tool.type === "provider" && tool.isProviderExecuted) return tool;
  const schema: Schema = asSchema(tool.inputSchema);
  const full = (await schema.jsonSchema) as JsonSchema;
  const injector = await Injector.of(wrapping, name, full);
  if (injector === undefined) return tool;
  if (tool.execute === undefined) throw elsewhere(name);
  const { description, inputExamples } = tool;
  const stages = await phases(tool.inputSchema, injector.hidden, (args) => validated(schema, args));
  return {
    ...tool,
    inputSchema: reduced(full, stages, injector),
    execute: execute(tool, stages, injector),
    ...(typeof description === "string" && { description: described(description, injector.hidden) }),
    ...(inputExamples && { inputExamples: inputExamples.map(({ input }) => ({ input: injector.visible(input) })) }),
  };
}

function reduced(full: JsonSchema, { visible }: Phases, injector: Injector<Context>): FlexibleSchema<any> {
  const validator = visible && asSchema<any>(visible as any);
  return jsonSchema<any>(without(full, injector.hidden), {
    validate: (value) => {
      const args = isObject(value) ? injector.visible(value) : value;
      return validator?.validate?.(args) ?? { success: true, value: args };
    },
  });
}

async function validated(schema: Schema, args: unknown): Promise<unknown> {
  const result = (await schema.validate?.(args)) ?? { success: true, value: args };
  if (result.success) return result.value;
  throw result.error;
}

function execute(tool: Tool<any, any>, { rest }: Phases, injector: Injector<Context>): Execute {
  const own = tool.execute as Execute;
  const call = async (input: unknown, options: Context) => {
    const injected = await injector.inject(input, options, options?.abortSignal);
    return injected.run(async (args) => own.call(tool, await rest(args), options));
  };
  // The SDK reads parts only from a function that returns them without a promise.
  if (Object.prototype.toString.call(own) === "[object AsyncGeneratorFunction]") {
    // A default is evaluated when the function is called: the user is that of the call, wherever its parts are read.
    return async function* (input: unknown, options: Context, begin = AsyncResource.bind(() => call(input, options))) {
      yield* await begin();
    };
  }
  return async (input, options) => lastOf(await call(input, options));
}

/** The last part of a stream, which is the tool's result; any other result as it is. */
async function lastOf(result: any): Promise<unknown> {
  if (typeof result?.[Symbol.asyncIterator] !== "function") return result;
  let last: unknown;
  for await (const part of result) last = part;
  return last;
}
