/** Tools of Mastra whose keys come from the vault. */

import { type StandardSchemaWithJSON, standardSchemaToJSONSchema, toStandardSchema } from "@mastra/core/schema";
import { createTool, Tool, type ToolExecutionContext } from "@mastra/core/tools";

import type { Toolvault } from "./client.js";
import { described } from "./injection/description.js";
import type { Injected } from "./injection/injected.js";
import { Injector } from "./injection/injector.js";
import type { SecretOptions } from "./injection/options.js";
import { type JsonSchema, without } from "./injection/schema.js";
import { each, elsewhere, type Wrapping } from "./injection/tools.js";
import { view } from "./injection/view.js";
import { isObject } from "./objects.js";

type Context = ToolExecutionContext<any, any, any> | undefined;
type ToolStream = NonNullable<NonNullable<Context>["writer"]>;
type Execute = (input: unknown, context?: any) => Promise<unknown>;

/**
 * The same tool, or list or record of tools, without the arguments that the vault supplies. The model does not see
 * them; the call has them.
 *
 * The vault knows a tool by its `id`. `user` may be a function of the tool's execution context. A call without its
 * secret rejects with `SecretMissing` or a related error, with the argument's name.
 */
export function withSecrets<T extends object>(
  tools: T,
  vault: Toolvault,
  options: SecretOptions<Context> = {},
): Promise<T> {
  return each(tools, vault, options, isTool, wrapped);
}

function isTool(value: unknown): boolean {
  return isObject(value) && typeof value.id === "string" && ("execute" in value || "inputSchema" in value);
}

async function wrapped(given: any, _: unknown, wrapping: Wrapping<Context>): Promise<unknown> {
  const tool: Tool<any, any> = given instanceof Tool ? given : createTool(given);
  const full = tool.inputSchema ? (standardSchemaToJSONSchema(tool.inputSchema, { io: "input" }) as JsonSchema) : {};
  const injector = await Injector.of(wrapping, tool.id, full);
  if (injector === undefined) return given;
  if (tool.execute === undefined) throw elsewhere(tool.id);
  const { inputExamples, description } = tool;
  return view(tool, {
    inputSchema: reduced(full, injector),
    description: described(description, injector.hidden),
    execute: execute(tool.execute as Execute, injector),
    inputExamples: inputExamples?.map(({ input }) => ({ input: injector.visible(input) })),
  });
}

/** What the model sees. The tool itself validates all arguments at the call, by its own schema. */
function reduced(full: JsonSchema, injector: Injector<Context>): StandardSchemaWithJSON {
  const { "~standard": standard } = toStandardSchema(without(full, injector.hidden) as any);
  const validate = (value: unknown) => standard.validate(isObject(value) ? injector.visible(value) : value);
  return { "~standard": { ...standard, validate } };
}

function execute(own: Execute, injector: Injector<Context>): Execute {
  return async (input, context) => {
    const injected = await injector.inject(input, context, context?.abortSignal);
    // Mastra marks a context whose input it has validated. That was the reduced schema, so the tool gets a copy.
    const result = await injected.run((args) => own(args, context && watched(context, injected)));
    return isRefusal(result) ? { ...result, message: shown(result.message, injector.visible(input)) } : result;
  };
}

/** The context, with what a tool says before it returns redacted: to `suspend`, and to the stream that it writes to. */
function watched(context: Record<string, any>, injected: Injected): object {
  const suspending = (own: any) =>
    typeof own?.suspend === "function"
      ? { ...own, suspend: (payload: unknown, options: unknown) => own.suspend(injected.redact(payload), options) }
      : own;
  const { agent, workflow, writer } = context;
  return {
    ...suspending({ ...context }),
    ...(agent && { agent: suspending(agent) }),
    ...(workflow && { workflow: suspending(workflow) }),
    ...(writer && { writer: redactedWriter(writer, injected) }),
  };
}

/** A stream of its own: one that is piped into a `view` of the writer would reach the writer itself. */
function redactedWriter(writer: ToolStream, injected: Injected): ToolStream {
  const write = (data: unknown) => writer.write(injected.redact(data));
  const custom = (data: any) => writer.custom(injected.redact(data));
  return Object.assign(new WritableStream({ write }), { write, custom }) as ToolStream;
}

/** The answer to invalid input, which shows the start of the arguments: it may have cut through a value. */
function isRefusal(result: unknown): result is { message: string } {
  return (
    isObject(result) && result.error === true && "validationErrors" in result && typeof result.message === "string"
  );
}

function shown(message: string, visible: unknown): string {
  const [text] = message.split("Provided arguments: ");
  return `${text}Provided arguments: ${JSON.stringify(visible)}`;
}
