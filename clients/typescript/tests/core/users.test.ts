import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigurationError, Toolvault } from "toolvault";
import { withSecrets } from "toolvault/ai";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

const BINDING = { tool_name: "t", is_default_for_tool: true };
/** The users of concurrent calls: undefined is a call outside `actingFor`. */
const ORDERS = [
  ["ann", undefined, "bob"],
  [undefined, "ann", "bob"],
  ["bob", "ann", undefined],
] as const;
type User = (typeof ORDERS)[number][number];

/** Ann has a secret for `k`, Bob one for `k` and one for `b`, and a call for no user gets only what all have. */
function vaultOf(): FakeVault {
  return new FakeVault().add(
    { ...BINDING, tool_arg: "all", secret_name: "all", secret_value: "value-of-all" },
    { ...BINDING, tool_arg: "k", secret_name: "ann", secret_value: "value-of-ann", user: "ann" },
    { ...BINDING, tool_arg: "k", secret_name: "bob", secret_value: "value-of-bob", user: "bob" },
    { ...BINDING, tool_arg: "b", secret_name: "bob", secret_value: "value-of-bob", user: "bob" },
  );
}

function owed(user: User): object {
  if (user === undefined) return { all: "value-of-all" };
  return { all: "value-of-all", k: `value-of-${user}`, ...(user === "bob" && { b: "value-of-bob" }) };
}

/** Makes a call for each user in one turn: by `actingFor` if `isAround`, else by the option `user`. */
function together<T>(vault: FakeVault, users: readonly User[], isAround: boolean, call: (user?: string) => Promise<T>) {
  return Promise.all(
    users.map((user) => (user !== undefined && isAround ? vault.actingFor(user, () => call()) : call(user))),
  );
}

for (const users of ORDERS) {
  for (const isAround of [true, false]) {
    test(`concurrent calls are for their own users: ${users}, ${isAround ? "actingFor" : "user"}`, async () => {
      const vault = vaultOf();
      const all = users.map(owed);
      const injected = await together(vault, users, isAround, (user) => vault.inject("t", {}, { user }));
      assert.deepEqual(
        injected.map(({ args }) => args),
        all,
      );
      const hiding = { hide: ["all", "k", "b"], bindings: { all: "secret://all" } };
      const known = await together(vault, users, isAround, (user) =>
        vault.inject("t", {}, { ...hiding, user }).catch(() => undefined),
      );
      assert.deepEqual(
        known.map((one) => one?.args),
        users.map((user) => (user === "bob" ? owed(user) : undefined)),
      );
      const resolved = await together(vault, users, isAround, (user) => vault.resolve("t", {}, { user }));
      assert.deepEqual(
        resolved.map(({ args }) => args),
        all,
      );
      const explained = await together(vault, users, isAround, (user) => vault.explain("t", {}, { user }));
      assert.deepEqual(
        explained.map((one) => one.arguments.map(({ arg }) => arg)),
        all.map((one) => Object.keys(one).toSorted()),
      );
      for (const { user, secret_name: name } of vault.uses) assert.ok(name === "all" || name === user);
    });
  }

  test(`tools that are wrapped together are for their own users: ${users}`, async () => {
    const vault = vaultOf();
    const received: unknown[] = [];
    const inputSchema = z.object({ all: z.string(), k: z.string().optional(), b: z.string().optional() });
    const execute = (args: unknown) => void received.push(args);
    const wrapped = await together(vault, users, true, () => withSecrets({ t: { inputSchema, execute } }, vault));
    const options = { toolCallId: "c", messages: [] };
    for (const [index, { t }] of wrapped.entries()) {
      const call = async () => void (await (t as any).execute({}, options));
      const user = users[index];
      await (user === undefined ? call() : vault.actingFor(user, call));
    }
    assert.deepEqual(received, users.map(owed));
    received.length = 0;
    const { t } = await withSecrets({ t: { inputSchema, execute } }, vault, { hide: ["all", "k", "b"] });
    await together(vault, users, true, () => (t as any).execute({}, options));
    const byAll = (args: any) => args.k ?? "";
    assert.deepEqual(
      received.toSorted((one, other) => byAll(one).localeCompare(byAll(other))),
      users.map(owed).toSorted((one, other) => byAll(one).localeCompare(byAll(other))),
    );
  });
}

test("a tool's parts are for the user of its call, wherever they are read", async () => {
  const inputSchema = z.object({ all: z.string(), k: z.string().optional() });
  async function* execute(args: { k?: string | undefined }) {
    yield Object.keys(args).length;
    yield [...(args.k ?? "none")].length;
  }
  const vault = vaultOf();
  const { t } = await withSecrets({ t: { inputSchema, execute } }, vault, { hide: ["all", "k"] });
  const options = { toolCallId: "c", messages: [] };
  for (const user of ["ann", undefined] as const) {
    const call = () => (t as any).execute({}, options);
    const parts = user === undefined ? call() : vault.actingFor(user, call);
    const read: number[] = [];
    await vault.actingFor("bob", async () => {
      for await (const part of parts) read.push(part);
    });
    assert.deepEqual(read, user === "ann" ? [2, 12] : [1, 4]);
  }
  assert.ok(vault.uses.every(({ user }) => user !== "bob"));
});

test("each page of a list is for the user of the call that began it", async () => {
  const asked: unknown[] = [];
  const runner = {
    run: async ({ path, query, read }: any, { user }: any) => {
      asked.push(user);
      if (path === "/v1/audit") {
        return read({ content: { data: [{}], next_cursor: query.cursor === undefined ? "next" : null } });
      }
      return read({
        content: { data: [{ secret_id: "a" }, { secret_id: `b${query.offset}` }], total: 2 + query.offset },
      });
    },
  };
  const vault = new Toolvault({ apiKey: "k" }, runner);
  const lists = vault.actingFor("ann", () => [vault.audit.iterate(), vault.secrets.iterate()] as const);
  for (const list of lists) vault.actingFor("bob", () => list.next());
  for await (const _ of lists[0]);
  for await (const _ of lists[1]);
  assert.deepEqual(asked, ["ann", "ann", "ann"]);
});

test("a user that is no ID is refused, and never means another one", async () => {
  const vault = vaultOf();
  for (const user of ["", null, 7] as any[]) {
    assert.throws(() => vault.actingFor(user, () => assert.fail("it was called")), ConfigurationError);
    assert.throws(() => new Toolvault({ apiKey: "k", user }), ConfigurationError);
    await assert.rejects(vault.resolve("t", {}, { user }), ConfigurationError);
    await assert.rejects(vault.inject("t", {}, { user }), ConfigurationError);
    await assert.rejects(vault.inject("t", {}, { user, hide: ["k"] }), ConfigurationError);
  }
  assert.throws(() => vault.actingFor(undefined as any, () => assert.fail("it was called")), ConfigurationError);
  assert.deepEqual(vault.uses, []);
});
