/** Tools of LangChain.js and LangGraph.js whose keys come from the vault. */

import type { RunnableConfig } from "@langchain/core/runnables";
import { BaseToolkit, isStructuredTool } from "@langchain/core/tools";
import { toJsonSchema } from "@langchain/core/utils/json_schema";

import type { Toolvault } from "./client.js";
import { described } from "./injection/description.js";
import type { Injected } from "./injection/injected.js";
import { Injector } from "./injection/injector.js";
import type { SecretOptions } from "./injection/options.js";
import { phases } from "./injection/phases.js";
import { type JsonSchema, without } from "./injection/schema.js";
import { each, type Wrapping } from "./injection/tools.js";
import { view } from "./injection/view.js";
import { isObject } from "./objects.js";

/** The part of `StructuredTool` that is used here: `_call` is what its documentation tells subclasses to write. */
interface Tool {
  name: string;
  description: string;
  schema: any;
  call(arg: unknown, config?: unknown, tags?: string[]): Promise<unknown>;
  _call(args: unknown, manager?: unknown, config?: RunnableConfig): Promise<unknown>;
}

/**
 * The same tool, or list or record of tools, without the arguments that the vault supplies. The model does not see
 * them; the call has them.
 *
 * `user` may be a function of the call's `RunnableConfig`. A call without its secret rejects with `SecretMissing` or a
 * related error, with the argument's name.
 */
export function withSecrets<T extends object>(
  tools: T,
  vault: Toolvault,
  options: SecretOptions<RunnableConfig> = {},
): Promise<T extends BaseToolkit ? T["tools"] : T> {
  const given: any = tools instanceof BaseToolkit ? tools.getTools() : tools;
  return each(given, vault, options, isTool, wrapped);
}

function isTool(value: unknown): boolean {
  return isObject(value) && isStructuredTool(value as any) && "_call" in value;
}

async function wrapped(tool: Tool, _: unknown, wrapping: Wrapping<RunnableConfig>): Promise<unknown> {
  const full = toJsonSchema(tool.schema) as JsonSchema;
  const injector = await Injector.of(wrapping, tool.name, full);
  if (injector === undefined) return tool;
  const { visible, rest } = await phases(tool.schema, injector.hidden, (args) => whole(tool.schema, args));
  const wrapper = view(tool, {
    schema: visible ?? without(full, injector.hidden),
    description: described(tool.description, injector.hidden),
    call(arg: unknown, config?: unknown, tags?: string[]) {
      return tool.call.call(wrapper, dropped(arg, injector), config, tags);
    },
    async _call(args: unknown, manager: unknown, config: RunnableConfig = {}) {
      const injected = await injector.inject(args, config, config.signal);
      return injected.run(async (all) => tool._call(await rest(all), manager, watched(config, injected)));
    },
  });
  return wrapper;
}

/** The config, in which the writer of LangGraph's custom stream redacts. */
function watched(config: RunnableConfig & { writer?: unknown }, injected: Injected): RunnableConfig {
  const { writer } = config;
  if (typeof writer !== "function") return config;
  return { ...config, writer: (chunk: unknown) => writer(injected.redact(chunk)) } as RunnableConfig;
}

/** The model's arguments, which may come inside a tool call. */
function dropped(arg: unknown, injector: Injector<RunnableConfig>): unknown {
  if (!isObject(arg)) return arg;
  return arg.type === "tool_call" && isObject(arg.args)
    ? { ...arg, args: injector.visible(arg.args) }
    : injector.visible(arg);
}

function whole(schema: any, args: unknown): Promise<unknown> {
  return typeof schema.parseAsync === "function" ? schema.parseAsync(args) : Promise.resolve(args);
}
