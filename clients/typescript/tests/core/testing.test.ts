import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ApiError, type Toolvault, Unresolved } from "toolvault";
import { type FakeSecret, FakeVault } from "toolvault/testing";

import { Server } from "../support/server.js";

const SECRETS: readonly FakeSecret[] = [
  {
    tool_name: "a__*",
    tool_arg: "k",
    secret_value: "value-of-a-pattern",
    secret_name: "pattern",
    is_default_for_tool: true,
  },
  {
    tool_name: "a__long*",
    tool_arg: "k",
    secret_value: "value-of-a-longer-one",
    secret_name: "longer",
    is_default_for_tool: true,
  },
  {
    tool_name: "a__exact",
    tool_arg: "k",
    secret_value: "value-of-an-exact-one",
    secret_name: "exact",
    is_default_for_tool: true,
  },
  {
    tool_name: "*__x*z",
    tool_arg: "/req/key",
    secret_value: "value-inside",
    secret_name: "inner one",
    is_default_for_tool: true,
  },
  {
    tool_name: "p__*",
    tool_arg: "/k",
    secret_value: "value-of-a-pointer",
    secret_name: "pointer",
    is_default_for_tool: true,
  },
  {
    tool_name: "p__exact",
    tool_arg: "k",
    secret_value: "value-of-a-name",
    secret_name: "name",
    is_default_for_tool: true,
  },
  { secret_value: "value-of-anything", secret_name: "any" },
  { secret_value: "value-of-one-of-two", secret_name: "twice" },
  { secret_value: "value-of-two-of-two", secret_name: "twice", tool_name: "b" },
];

let server: Server;
let real: Toolvault;
const fake = new FakeVault().add(...SECRETS);

before(async () => {
  server = await Server.start();
  real = server.operator();
  for (const one of SECRETS) await real.secrets.create(one);
});
after(() => server.stop());

const CALLS = [
  ["a__exact", {}],
  ["a__longer", { k: null, other: 1 }],
  ["a__short", { k: "received" }],
  ["b", { q: 1 }, { require: ["k"] }],
  ["a__xyz", { req: { q: 1 } }],
  ["a__xyz", { req: { key: "received" } }, { accepts: ["k"] }],
  ["a__x", {}, { accepts: [] }],
  ["b__xz", {}, { bindings: { "/req/key": "secret://inner%20one" } }],
  ["b", {}, { bindings: { k: "secret://none" } }],
  ["p__a", {}, { accepts: ["k"], require: ["k"] }],
  ["p__exact", {}, { accepts: ["/k"] }],
  ["p__exact", {}, { bindings: { k: "secret://exact" } }],
  ["a__exact", {}, { bindings: { "/k": "secret://pattern" } }],
  ["b", {}, { bindings: { "/x/y": "secret://any" } }],
  ["b", {}, { bindings: { k: "secret://twice" } }],
  ["c", {}, { bindings: { k: "secret://twice" } }],
  ["b", {}, { require: ["constructor"] }],
] as const;

for (const [tool, args, options = {}] of CALLS) {
  test(`the fake answers as a server: ${tool} ${JSON.stringify([args, options])}`, async () => {
    const answers = await Promise.all([real, fake].map((vault) => outcome(vault.resolve(tool, args, options))));
    assert.deepEqual(answers[1], answers[0]);
    const [one, other] = await Promise.all(
      [real, fake].map((vault) => vault.resolveMany([{ tool, args, ...options }])),
    );
    assert.deepEqual(described(other?.[0]), described(one?.[0]));
    const many = [real, fake].map(async (vault) =>
      defaults((await vault.explainMany([{ tool, args, ...options }]))[0]),
    );
    const [told, said] = await Promise.all(many);
    assert.deepEqual(said, told);
    const explained = [real, fake].map(async (vault) => {
      const { arguments: found } = await vault.explain(tool, {}, { accepts: ["k", "/req/key"] });
      return found.filter(({ outcome: of }) => of === "default").map(({ arg, winner }) => [arg, winner !== null]);
    });
    const [owed, got] = await Promise.all(explained);
    assert.deepEqual(got, owed);
  });
}

function defaults(explained: any): unknown {
  if (explained instanceof ApiError) return described(explained);
  return explained.arguments.filter((one: any) => one.outcome === "default").map((one: any) => one.arg);
}

async function outcome(answer: Promise<unknown>): Promise<unknown> {
  return described(await answer.catch((error: unknown) => error));
}

function described(answer: any): unknown {
  if (answer instanceof Unresolved) return [answer.name, answer.message, answer.argument, answer.tool, answer.problems];
  if (answer instanceof ApiError) return [answer.name, answer.status];
  const applied = answer.applied.map(({ arg, secret_name, source, redact }: any) => ({
    arg,
    secret_name,
    source,
    redact,
  }));
  return [answer.args, applied];
}

test("what is not there is said so, and uses are recorded", async () => {
  await assert.rejects(fake.secrets.list(), /a FakeVault does not answer \/v1\/secrets\/; use a real server/);
  const vault = new FakeVault().add(...SECRETS);
  await vault.actingFor("ann", () => vault.inject("a__exact", { q: 1 }));
  assert.deepEqual(vault.uses, [{ tool: "a__exact", argument: "k", secret_name: "exact", user: "ann" }]);
});
