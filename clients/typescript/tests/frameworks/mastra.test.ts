import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent } from "@mastra/core/agent";
import { RequestContext } from "@mastra/core/request-context";
import { createTool, Tool, ToolStream } from "@mastra/core/tools";
import { withSecrets } from "toolvault/mastra";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

import { canary, clean } from "../support/canary.js";
import { scriptedV3 } from "../support/models/ai.js";
import { type Call, contract, type Outcome } from "./contract.js";

async function run(tools: readonly any[], calls: readonly Call[], user?: string): Promise<Outcome> {
  const model = scriptedV3(calls);
  const record = Object.fromEntries(tools.map((one) => [one.id, one]));
  const agent = new Agent({ id: "a", name: "a", instructions: "go", model: model as any, tools: record });
  const requestContext = new RequestContext();
  requestContext.set("user", user);
  const result: any = await agent.generate("go", { maxSteps: 3, requestContext });
  const asked: any[] = [...model.doGenerateCalls, ...model.doStreamCalls];
  const schemas = Object.fromEntries((asked[0]?.tools ?? []).map((one: any) => [one.name, one.inputSchema]));
  const results = asked
    .at(-1)
    .prompt.filter(({ role }: any) => role === "tool")
    .flatMap(({ content }: any) => content);
  return {
    schemas,
    outputs: results.map((one: any) => JSON.stringify(one.output)),
    seen: [asked, result.steps, result.messages, result.text],
  };
}

contract({
  name: "Mastra",
  rejects: true,
  make: ({ name, description = name, parameters, execute }) =>
    createTool({
      id: name,
      description,
      inputSchema: parameters,
      execute: async (args: any) => (await execute(args)) ?? "",
    }),
  wrap: withSecrets,
  run,
  many: (tools) => tools,
  user: (context) => context.requestContext.get("user"),
  invoke: (one, args) => one.execute(args, {}),
});

const VALUE = canary();
const fake = () =>
  new FakeVault().add({
    tool_name: "t",
    tool_arg: "pat",
    secret_value: VALUE,
    secret_name: "k",
    is_default_for_tool: true,
  });

test("a wrapped tool is still a tool of Mastra, with the rest as it was", async () => {
  const inputSchema = z.object({ pat: z.string() });
  const own = createTool({ id: "t", description: "d", inputSchema, requireApproval: true, execute: async () => "" });
  const wrapped = await withSecrets(own, fake());
  assert.ok(wrapped instanceof Tool);
  assert.equal(wrapped.requireApproval, true);
  clean(VALUE, wrapped);
});

test("the answer to invalid arguments shows no value, however short it is cut", async () => {
  const inputSchema = z.object({ pat: z.string(), text: z.string().max(3) });
  const own = createTool({ id: "t", description: "d", inputSchema, execute: async () => assert.fail("it was called") });
  const wrapped: any = await withSecrets(own, fake());
  for (let length = 4; length < 250; length += 7) {
    const answer = await wrapped.execute({ text: "x".repeat(length) }, {});
    assert.equal(answer.error, true);
    for (let size = 6; size < VALUE.length; size += 1) assert.ok(!answer.message.includes(VALUE.slice(0, size)));
  }
});

test("what a tool says before it returns is redacted: to suspend, and to its stream", async () => {
  const said: unknown[] = [];
  const inputSchema = z.object({ pat: z.string() });
  const execute = async ({ pat }: { pat: string }, context: any) => {
    await context.agent.suspend({ waits: pat });
    await context.writer.write({ text: pat });
    await context.writer.custom({ type: "data-x", data: pat });
    await new Blob([`piped ${pat}`]).stream().pipeThrough(new TextDecoderStream()).pipeTo(context.writer);
    return "";
  };
  const wrapped: any = await withSecrets(createTool({ id: "t", description: "d", inputSchema, execute }), fake());
  const note = async (one: unknown) => void said.push(one);
  const agent = { agentId: "a", toolCallId: "c", messages: [], suspend: note };
  await wrapped.execute(
    {},
    { agent, writer: new ToolStream({ prefix: "tool", callId: "c", name: "t", runId: "r" }, note) },
  );
  const output = (data: unknown) => ({
    type: "tool-output",
    runId: "r",
    from: "USER",
    payload: { output: data, toolCallId: "c", toolName: "t" },
  });
  assert.deepEqual(said, [
    { waits: "[secret:k]" },
    output({ text: "[secret:k]" }),
    { type: "data-x", data: "[secret:k]" },
    output("piped [secret:k]"),
  ]);
});
