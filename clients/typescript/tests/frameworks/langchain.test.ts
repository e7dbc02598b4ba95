import assert from "node:assert/strict";
import { test } from "node:test";

import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { BaseToolkit, StructuredTool, tool } from "@langchain/core/tools";
import { Annotation, Command, interrupt, MemorySaver, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { withSecrets } from "toolvault/langchain";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";
import { z as z3 } from "zod/v3";

import { canary, clean } from "../support/canary.js";
import { Scripted } from "../support/models/langchain.js";
import { type Call, contract, type Outcome } from "./contract.js";

/** Records every event. */
class Recorder extends BaseCallbackHandler {
  name = "recorder";
  readonly events: unknown[] = [];
  override handleToolStart = (...event: unknown[]) => void this.events.push(event);
  override handleToolEnd = (...event: unknown[]) => void this.events.push(event);
  override handleToolError = (...event: unknown[]) => void this.events.push(event);
  override handleToolEvent = (...event: unknown[]) => void this.events.push(event);
  override handleChainEnd = (...event: unknown[]) => void this.events.push(event);
}

async function run(tools: readonly any[], calls: readonly Call[], user?: string): Promise<Outcome> {
  const model = new Scripted(calls);
  const recorder = new Recorder();
  const agent = createAgent({ model, tools: [...tools] });
  const config = { callbacks: [recorder], configurable: { user } };
  const { messages } = await agent.invoke({ messages: [new HumanMessage("go")] }, config).catch((error) => {
    return { messages: [new ToolMessage({ content: String(error), tool_call_id: "c0" })] };
  });
  assert.ok(recorder.events.length > 0);
  const schemas = Object.fromEntries(model.bound.map(({ function: one }) => [one.name, one.parameters]));
  const outputs = messages.filter((one) => ToolMessage.isInstance(one)).map(({ content }) => String(content));
  return { schemas, outputs, seen: [model.prompts, model.bound, recorder.events, messages] };
}

contract({
  name: "LangChain.js",
  rejects: true,
  make: ({ name, description = name, parameters, execute }) =>
    tool(
      async (args) => {
        const result = await execute(args);
        return result === undefined ? "" : result;
      },
      { name, description, schema: parameters },
    ),
  wrap: withSecrets,
  run,
  many: (tools) => Object.values(tools),
  user: (config) => config.configurable.user,
  invoke: (one, args) => one.invoke(args),
});

const VALUE = canary();
const fake = () =>
  new FakeVault().add({
    tool_name: "t*",
    tool_arg: "key",
    secret_value: VALUE,
    secret_name: "k",
    is_default_for_tool: true,
  });

class Own extends StructuredTool {
  name = "t";
  description = "A tool.";
  schema = z.object({ q: z.string(), key: z.string() });
  base = "one";
  readonly #prefix = "p";

  get prefix(): string {
    return this.#prefix;
  }

  protected async _call({ q, key }: { q: string; key: string }): Promise<string> {
    return `${this.#prefix} ${this.base} ${q} ${key === VALUE}`;
  }
}

test("a class of one's own keeps its state and its private members", async () => {
  const own = new Own();
  const wrapped = await withSecrets(own, fake());
  assert.ok(wrapped instanceof Own);
  assert.equal(wrapped.prefix, "p");
  assert.equal(await wrapped.invoke({ q: "a" } as any), "p one a true");
  wrapped.base = "two";
  assert.equal(await wrapped.invoke({ q: "a" } as any), "p two a true");
  assert.equal(own.base, "two");
});

test("a toolkit's tools are wrapped", async () => {
  class Kit extends BaseToolkit {
    tools = [new Own()];
  }
  const [only] = await withSecrets(new Kit(), fake());
  assert.equal(await only?.invoke({ q: "a" } as any), "p one a true");
});

test("schemas of zod 3 and JSON schemas", async () => {
  const received: unknown[] = [];
  const execute = async (args: unknown) => String(received.push(args));
  const old = z3.object({ n: z3.number().transform((n) => n * 100), key: z3.string() }).strict();
  const first = await withSecrets(tool(execute as any, { name: "t3", description: "d", schema: old as any }), fake());
  await first.invoke({ n: 5, key: "made up" } as any);
  const described = {
    type: "object",
    properties: { n: { type: "number" }, key: { type: "string" } },
    required: ["n", "key"],
    additionalProperties: false,
  };
  const second = await withSecrets(
    tool(execute as any, { name: "tj", description: "d", schema: described as any }),
    fake(),
  );
  await second.invoke({ n: 5, key: "made up" } as any);
  assert.deepEqual(received, [
    { n: 500, key: VALUE },
    { n: 5, key: VALUE },
  ]);
  assert.deepEqual(described.required, ["n", "key"]);
  await assert.rejects(second.invoke({ n: "x" } as any), /did not match expected schema/);
});

test("a generator's parts are redacted across parts", async () => {
  const recorder = new Recorder();
  async function* execute({ key }: { key: string }) {
    yield key.slice(0, 9);
    yield key.slice(9);
    return `done ${key}`;
  }
  const own = tool(execute as any, { name: "t", description: "d", schema: z.object({ key: z.string() }) });
  const wrapped = await withSecrets(own, fake());
  assert.equal(await wrapped.invoke({} as any, { callbacks: [recorder] }), "done [secret:k]");
  assert.ok(JSON.stringify(recorder.events).includes("[secret:k]"));
  clean(VALUE, recorder.events);
  const texts = recorder.events.map((event: any) => event[0]).filter((one) => typeof one === "string");
  assert.deepEqual(texts, ["[secret:k]", "", "done [secret:k]"]);
});

test("it works in LangGraph's ToolNode", async () => {
  const node = new ToolNode([await withSecrets(new Own(), fake())]);
  const call = { id: "c", name: "t", args: { q: "a", key: "made up" }, type: "tool_call" as const };
  const { messages } = await node.invoke({ messages: [new AIMessage({ content: "", tool_calls: [call] })] });
  assert.equal(messages[0].content, "p one a true");
});

test("a tool that takes one text has no arguments to hide", async () => {
  const own = tool(async (text: string) => text, { name: "t", description: "d" });
  assert.equal(await withSecrets(own, fake()), own);
  await assert.rejects(withSecrets(own, fake(), { hide: ["key"] }), /no tool that was given has an argument 'key'/);
});

test("what a tool writes to LangGraph's custom stream is redacted, and so is an interrupt", async () => {
  const said: unknown[] = [];
  const execute = async ({ q, key }: { q: string; key: string }, config: any) => {
    config.writer({ key });
    return q === "ask" ? interrupt({ about: key }) : q;
  };
  const schema = z.object({ q: z.string(), key: z.string() });
  const wrapped = await withSecrets(tool(execute as any, { name: "t", description: "d", schema }), fake());
  const ask = async (state: { q: string }) => ({ q: String(await wrapped.invoke({ q: state.q } as any)) });
  const graph = new StateGraph(Annotation.Root({ q: Annotation<string> }))
    .addNode("ask", ask)
    .addEdge("__start__", "ask")
    .compile({ checkpointer: new MemorySaver() });
  const config = { configurable: { thread_id: "1" }, streamMode: ["custom", "updates"] as any };
  for await (const part of await graph.stream({ q: "ask" }, config)) said.push(part);
  assert.deepEqual(said[0], ["custom", { key: "[secret:k]" }]);
  assert.ok(JSON.stringify(said).includes('"about":"[secret:k]"'));
  clean(VALUE, said, await graph.getState(config));
  const after = await graph.invoke(new Command({ resume: "answered" }), { configurable: { thread_id: "1" } });
  assert.equal(after.q, "answered");
});
