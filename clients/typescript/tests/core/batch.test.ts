import assert from "node:assert/strict";
import { test } from "node:test";

import { TooLarge, Toolvault, ValidationError } from "toolvault";

import { Sender } from "../../src/http/sender.js";
import { settings } from "../../src/http/settings.js";
import { json, Scripted } from "../support/scripted.js";

const REFUSED = { 413: TooLarge, 422: ValidationError } as const;

/** A server with a default for `k` of each tool. It refuses requests with more than `most` characters, or with `bad`. */
function counted(most = 1000): { vault: Toolvault; asked: string[][] } {
  const asked: string[][] = [];
  const runner = {
    run: async ({ path, body, read }: any) => {
      const text: string = body.encoded().toString();
      const { calls, tool_name: tool } = JSON.parse(text);
      asked.push(calls ? calls.map((one: any) => one.tool_name) : [tool ?? path]);
      if (text.length > most) throw new REFUSED[413]("too large");
      if (text.includes('"bad"')) throw new REFUSED[422]("invalid");
      if (path.includes("explain")) {
        const content = { arguments: [{ arg: "k", outcome: "default" }] };
        return read({ content: calls ? { results: calls.map(() => ({ status: 200, result: content })) } : content });
      }
      const answered = (call: any) => ({ tool_name: call.tool_name, args: { ...call.args, k: "value" }, applied: [] });
      const content = calls
        ? { results: calls.map((call: any) => ({ status: 200, result: answered(call) })) }
        : answered({ tool_name: tool, args: {} });
      return read({ content });
    },
  };
  return { vault: new Toolvault({ apiKey: "k" }, runner), asked };
}

const HIDE = { hide: ["k"] };
const cyclic: any = {};
cyclic.self = cyclic;

for (const [what, args, error] of [
  ["invalid", { bad: 1 }, ValidationError],
  ["too large", { text: "x".repeat(2000) }, TooLarge],
  ["cyclic", cyclic, TypeError],
  ["of another type", { toJSON: () => assert.fail("it has no JSON") }, assert.AssertionError],
] as const) {
  test(`a call that is ${what} fails alone`, async () => {
    const { vault } = counted();
    const tools = ["a", "b", "c", "d", "e"];
    const calls = tools.map((tool) => vault.inject(tool, tool === "c" ? args : { tool }, HIDE));
    const results = await Promise.allSettled(calls);
    for (const [index, result] of results.entries()) {
      if (tools[index] === "c") assert.ok(result.status === "rejected" && result.reason instanceof error);
      else assert.equal(result.status === "fulfilled" && result.value.args.k, "value");
    }
  });
}

test("calls that are too large together are sent in parts", async () => {
  const { vault, asked } = counted(500);
  const calls = ["a", "b", "c", "d"].map((tool) => vault.inject(tool, { text: "x".repeat(100) }, HIDE));
  assert.deepEqual(
    (await Promise.all(calls)).map(({ args }) => args.k),
    ["value", "value", "value", "value"],
  );
  assert.deepEqual(asked, [
    ["a", "b", "c", "d"],
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("calls that are sent again in parts have no more time than the first time", async () => {
  const made: number[] = [];
  const runner = {
    run: async (_: unknown, options: any) => {
      made.push(options.made);
      throw new ValidationError("invalid");
    },
  };
  const vault = new Toolvault({ apiKey: "k" }, runner);
  const calls = ["a", "b", "c", "d"].map((tool) => vault.inject(tool, {}, HIDE));
  await Promise.allSettled(calls);
  const [first] = made;
  assert.equal(made.length, 7);
  // Each request has the time of one of the calls, which were all made before the first request.
  assert.ok(typeof first === "number" && made.every((one) => one >= first) && new Set(made).size <= 4);
});

test("a call that has waited for longer than its timeout is not sent", async () => {
  await using server = new Scripted((_, response) => json(response, 200, {}));
  const sender = new Sender(settings({ url: await server.listen(), apiKey: "k", timeout: 1000 }));
  const operation = { method: "GET", path: "/v1/me", read: () => "answered" } as const;
  assert.equal(await sender.run(operation, { made: performance.now() }), "answered");
  const late = sender.run(operation, { made: performance.now() - 1000 });
  await assert.rejects(late, { name: "Unavailable", message: /no answer from .* within 1000 ms/ });
  assert.equal(server.received.length, 1);
  sender.close();
});

test("an aborted call ends at once, is not sent, and leaves those beside it alone", async () => {
  const { vault, asked } = counted();
  const aborting = new AbortController();
  const { signal } = aborting;
  const asking = [vault.inject("a", {}, { signal }), vault.inject("a"), vault.inject("b", {}, { ...HIDE, signal })];
  await new Promise((resolve) => process.nextTick(resolve));
  aborting.abort(new RangeError("enough"));
  const [first, second, third] = await Promise.allSettled(asking);
  assert.ok(first?.status === "rejected" && first.reason === signal.reason);
  assert.ok(third?.status === "rejected" && third.reason === signal.reason);
  assert.ok(second?.status === "fulfilled");
  assert.deepEqual(asked, [["/v1/tools/a/explain"], ["a"]]);
  await assert.rejects(vault.inject("a", {}, { signal }), RangeError);
});
