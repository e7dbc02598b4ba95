import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent, type AgentInputItem, Runner, setTraceProcessors, tool } from "@openai/agents";
import { withSecrets } from "toolvault/openai-agents";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

import { canary, clean } from "../support/canary.js";
import { Scripted } from "../support/models/openai-agents.js";
import { type Call, contract, type Outcome } from "./contract.js";

const traces: unknown[] = [];
const record = async (one: any) => void traces.push(one.toJSON?.(), one);
const none = async () => {};
setTraceProcessors([
  {
    onTraceStart: record,
    onTraceEnd: record,
    onSpanStart: record,
    onSpanEnd: record,
    shutdown: none,
    forceFlush: none,
  },
]);

async function run(tools: readonly any[], calls: readonly Call[], user?: string): Promise<Outcome> {
  const model = new Scripted(calls);
  const built = tools.map((one) => (one.type === "function" ? one : tool(one)));
  const agent = new Agent({ name: "a", model, tools: built });
  const result = await new Runner({ traceIncludeSensitiveData: true }).run(agent, "go", { context: { user } });
  assert.ok(traces.length > 0);
  const schemas = Object.fromEntries((model.requests[0]?.tools ?? []).map((one: any) => [one.name, one.parameters]));
  const { history } = result;
  return {
    schemas,
    outputs: outputs(history),
    seen: [model.requests, traces.map(String), traces, history, result.state.toString()],
  };
}

function outputs(history: readonly AgentInputItem[]): string[] {
  return history.flatMap((one) => (one.type === "function_call_result" ? [JSON.stringify(one.output)] : []));
}

const options = ({ name, description = name, parameters, execute }: any) => {
  return {
    name,
    description,
    parameters,
    execute: async (args: any) => (await execute(args)) ?? "",
    errorFunction: failed,
  };
};

/** What the model is told of a failure: all of it. */
function failed(_: unknown, error: unknown): string {
  return `failed: ${error instanceof Error ? `${error.message} ${error.stack}` : error}`;
}

contract({
  name: "OpenAI Agents SDK",
  rejects: false,
  make: options,
  wrap: withSecrets,
  run,
  many: (tools) => Object.values(tools),
  user: (context) => context.context.user,
  invoke: (one, args) => {
    const built = tool(one);
    return built.invoke({ context: {} } as any, JSON.stringify(args)).then((result: any) => String(result));
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
const parameters = z.object({ q: z.string(), key: z.string() });

test("a tool that is built already: its own validation, once", async () => {
  const received: unknown[] = [];
  const guarded = z.object({ q: z.string().overwrite((q) => `${q}!`), key: z.string() }).refine(({ q }) => q !== "no!");
  const execute = async (args: unknown) => JSON.stringify([received.push(args), args]);
  const wrapped = await withSecrets(
    tool({ name: "t", description: "d", parameters: guarded, execute, timeoutMs: 9000 }),
    fake(),
  );
  assert.deepEqual(Object.keys((wrapped.parameters as any).properties), ["q"]);
  assert.equal(wrapped.timeoutMs, 9000);
  const outcome = await run([wrapped], [{ name: "t", args: { q: "a", key: "made up" } }]);
  assert.deepEqual(received, [{ q: "a!", key: VALUE }]);
  assert.match(outcome.outputs[0] ?? "", /\[secret:k\]/);
  await run([wrapped], [{ name: "t", args: { q: "no" } }]);
  assert.equal(received.length, 1);
  clean(VALUE, outcome, wrapped);
});

test("a tool that is built already: malformed input is what it would be without us", async () => {
  const own = tool({ name: "t", description: "d", parameters, execute: async () => "" });
  const wrapped = await withSecrets(own, fake());
  const call = [{ name: "t", args: "{broken" }];
  assert.deepEqual((await run([wrapped], call)).outputs, (await run([own], call)).outputs);
});

test("a tool that is built already: its error is redacted in traces and in what the model is told", async () => {
  const execute = async ({ key }: { key: string }) => {
    throw new RangeError(`bad ${key}`);
  };
  const own = tool({ name: "t", description: "d", parameters, execute, errorFunction: failed });
  const outcome = await run([await withSecrets(own, fake())], [{ name: "t", args: { q: "a" } }]);
  assert.match(outcome.outputs[0] ?? "", /bad \[secret:k\]/);
  clean(VALUE, outcome);
});

test("a JSON schema as parameters", async () => {
  const described = {
    type: "object",
    properties: { q: { type: "string" }, key: { type: "string" } },
    required: ["q", "key"],
    additionalProperties: false,
  } as const;
  const received: unknown[] = [];
  const own = {
    name: "t",
    description: "d",
    parameters: described,
    strict: true,
    execute: async (args: unknown) => String(received.push(args)),
  };
  const outcome = await run([await withSecrets(own as any, fake())], [{ name: "t", args: { q: "a", key: "x" } }]);
  assert.deepEqual(received, [{ q: "a", key: VALUE }]);
  assert.deepEqual(outcome.schemas.t.required, ["q"]);
});

test("a hosted tool stays, and cannot have secrets", async () => {
  const hosted = { type: "hosted_tool", name: "web_search", providerData: {} };
  assert.equal(await withSecrets(hosted, fake()), hosted);
  await assert.rejects(withSecrets(hosted, fake(), { hide: ["key"] }), /no tool that was given has an argument 'key'/);
});
