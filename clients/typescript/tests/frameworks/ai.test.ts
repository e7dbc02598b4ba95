import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import { ConfigurationError } from "toolvault";
import { withSecrets } from "toolvault/ai";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

import { canary, clean } from "../support/canary.js";
import { scripted } from "../support/models/ai.js";
import { type Call, contract, type Outcome } from "./contract.js";

async function run(tools: readonly any[], calls: readonly Call[], user?: string): Promise<Outcome> {
  const model = scripted(calls);
  const events: unknown[] = [];
  const record = Object.fromEntries(tools.map((one) => [one.metadata.name, one]));
  const result = await generateText({
    model,
    tools: record,
    prompt: "go",
    stopWhen: isStepCount(3),
    toolsContext: Object.fromEntries(Object.keys(record).map((name) => [name, { user }])),
    onStepFinish: (step: unknown) => void events.push(step),
  } as any);
  const [first] = model.doGenerateCalls;
  const schemas = Object.fromEntries((first?.tools ?? []).map((one: any) => [one.name, one.inputSchema]));
  const results = result.steps
    .flatMap(({ content }) => content)
    .filter(({ type }) => type === "tool-result" || type === "tool-error");
  return {
    schemas,
    outputs: results.map((one: any) => JSON.stringify(one.output ?? one.error)),
    seen: [model.doGenerateCalls, events, result],
  };
}

contract({
  name: "Vercel AI SDK",
  rejects: true,
  make: ({ name, description, parameters, execute }) => {
    const contextSchema = z.object({ user: z.string().optional() });
    return tool<any, any, any>({
      description: description ?? "",
      inputSchema: parameters,
      execute,
      metadata: { name },
      contextSchema,
    });
  },
  wrap: (tools, vault, options) => {
    // The SDK's tools have no name of their own; the tests keep it in their metadata.
    if (!tools?.metadata) return withSecrets(tools, vault, { toolName: (name) => name, ...options });
    return withSecrets(tools, vault, { toolName: tools.metadata.name, ...options });
  },
  run,
  many: (tools) => tools,
  user: (options) => options.context.user,
  invoke: async (one, args) => {
    const { value } = await one.inputSchema.validate(args);
    return one.execute(value, { toolCallId: "c", messages: [] });
  },
});

const VALUE = canary();
const fake = () =>
  new FakeVault().add({
    tool_name: "t",
    tool_arg: "key",
    secret_value: VALUE,
    secret_name: "k",
    is_default_for_tool: true,
  });
const parameters = z.object({ key: z.string() });

test("a stream's parts are redacted across parts, and the last part is the result", async () => {
  async function* execute({ key }: { key: string }) {
    yield key.slice(0, 9);
    yield key.slice(9);
    yield { delta: `a ${key.slice(0, 5)}` };
    yield { delta: `${key.slice(5)} z` };
  }
  const tools = await withSecrets({ t: tool({ inputSchema: parameters, execute }) }, fake());
  const result = streamText({
    model: scripted([{ name: "t", args: {} }]),
    tools,
    prompt: "go",
    stopWhen: isStepCount(2),
  });
  const outputs: any[] = [];
  for await (const part of result.fullStream) if (part.type === "tool-result") outputs.push(part);
  const texts = outputs.filter(({ preliminary }) => preliminary).map(({ output }) => output.delta ?? output);
  assert.deepEqual(texts, ["[secret:k]", "", "a [secret:k]", " z"]);
  assert.deepEqual(outputs.at(-1).output, { delta: " z" });
  clean(VALUE, outputs, texts.join(""));
});

test("what the model said wrong is refused before the vault is asked", async () => {
  const vault = fake();
  const inputSchema = z.object({ n: z.number(), key: z.string() });
  const tools = await withSecrets(
    { t: tool({ inputSchema, execute: (): string => assert.fail("it was called") }) },
    vault,
  );
  const result = await generateText({
    model: scripted([{ name: "t", args: { n: "no" } }]),
    tools,
    prompt: "go",
    stopWhen: isStepCount(2),
  });
  assert.ok(result.steps[0]?.content.some(({ type }) => type === "tool-error"));
  assert.deepEqual(vault.uses, []);
});

test("a validator of one's own sees all arguments, once", async () => {
  const seen: unknown[] = [];
  const inputSchema = jsonSchema<{ key: string }>(
    { type: "object", properties: { key: { type: "string" } }, required: ["key"] },
    {
      validate: (value: any) => {
        seen.push(value);
        return value.key === VALUE
          ? { success: true, value }
          : { success: false, error: new Error(`bad ${value.key}`) };
      },
    },
  );
  const tools = await withSecrets({ t: tool({ inputSchema, execute: ({ key }) => key.length }) }, fake());
  await generateText({
    model: scripted([{ name: "t", args: { key: "made up" } }]),
    tools,
    prompt: "go",
    stopWhen: isStepCount(2),
  });
  assert.deepEqual(seen, [{ key: VALUE }]);
});

test("a tool that runs elsewhere cannot have secrets, and a tool without a name needs one", async () => {
  const inputSchema = parameters;
  await assert.rejects(
    withSecrets({ t: tool({ inputSchema, outputSchema: z.string() }) }, fake()),
    /has no function that runs here/,
  );
  await assert.rejects(withSecrets(tool({ inputSchema, execute: () => "" }), fake()), ConfigurationError);
});

test("examples of input lose what is hidden", async () => {
  const inputSchema = z.object({ q: z.string(), key: z.string() });
  const inputExamples = [{ input: { q: "a", key: "b" } }];
  const { t } = await withSecrets({ t: tool({ inputSchema, inputExamples, execute: () => "" }) }, fake());
  assert.deepEqual(t.inputExamples, [{ input: { q: "a" } }]);
});

test("validators of zod run once: those of members when the model has spoken, those of the whole at the call", async () => {
  const run: string[] = [];
  const said =
    (what: string) =>
    <T>(value: T): T => {
      run.push(what);
      return value;
    };
  const inner = z
    .object({ q: z.string().transform(said("q")), key: z.string().transform(said("key")) })
    .transform(said("inner"));
  const inputSchema = z
    .object({ inner: inner.optional(), n: z.coerce.number().default(3).transform(said("n")) })
    .transform(said("whole"));
  const vault = new FakeVault().add({
    tool_name: "t",
    tool_arg: "/inner/key",
    secret_name: "k",
    secret_value: VALUE,
    is_default_for_tool: true,
  });
  const { t } = await withSecrets({ t: tool({ inputSchema, execute: (args) => Object.keys(args) }) }, vault);
  const { value } = await (t.inputSchema as any).validate({ inner: { q: "a" } });
  assert.deepEqual([run, value], [["q", "n"], { inner: { q: "a" }, n: 3 }]);
  assert.deepEqual(await (t as any).execute(value, { toolCallId: "c", messages: [] }), ["inner", "n"]);
  assert.deepEqual(run, ["q", "n", "key", "inner", "whole"]);
});

test("what looks at the whole object sees all of it, once", async () => {
  const seen: unknown[] = [];
  const inputSchema = z.object({ q: z.string(), key: z.string() }).refine((all) => seen.push({ ...all }) > 0);
  const tools = await withSecrets({ t: tool({ inputSchema, execute: () => "" }) }, fake());
  const model = scripted([{ name: "t", args: { q: "a" } }]);
  await generateText({ model, tools, prompt: "go", stopWhen: isStepCount(2) });
  assert.deepEqual(seen, [{ q: "a", key: VALUE }]);
});
