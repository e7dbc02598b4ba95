import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigurationError, type SecretOptions } from "toolvault";
import { withSecrets } from "toolvault/ai";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

import { canary } from "../support/canary.js";

const VALUE = canary();
const MARK = "[secret:s]";
const OPTIONS = { toolCallId: "c", messages: [] };

function vaultOf(argument: string): FakeVault {
  const binding = { tool_name: "t", tool_arg: argument, is_default_for_tool: true };
  return new FakeVault().add({ ...binding, secret_name: "s", secret_value: VALUE, redact: false });
}

/** What a tool returns that returns all of its arguments. */
async function returned(vault: FakeVault, options: SecretOptions): Promise<unknown> {
  const inputSchema = z.object({ k: z.string(), "/k": z.string().optional() });
  const { t } = await withSecrets({ t: { inputSchema, execute: (args: unknown) => args } }, vault, options as any);
  return (t as any).execute({}, OPTIONS);
}

for (const stored of ["k", "/k"]) {
  for (const named of ["k", "/k"]) {
    test(`'${named}' in options is the argument of a secret for '${stored}'`, async () => {
      const vault = vaultOf(stored);
      const bindings = { [named]: "secret://s" };
      for (const options of [
        {},
        { hide: [named] },
        { bindings },
        { hide: ["k"], bindings },
        { hide: ["/k"], bindings },
      ]) {
        const call = await vault.inject("t", { k: "made up" }, { ...options, redact: [named] });
        assert.deepEqual([call.args, await call.run((args) => args)], [{ k: VALUE }, { k: MARK }]);
        assert.deepEqual(await returned(vault, { ...options, redact: [named] }), { k: MARK });
        assert.deepEqual(await returned(vault, options), { k: VALUE });
      }
    });
  }
}

test("a value inside an argument is redacted with the argument, and the other way round", async () => {
  for (const [stored, redact] of [
    ["/req/key", "req"],
    ["/req/key", "/req"],
    ["req", "/req/key"],
  ] as const) {
    const call = await vaultOf(stored).inject("t", {}, { redact: [redact] });
    assert.ok(JSON.stringify(await call.run((args) => args)).includes(MARK));
  }
});

test("a name in 'redact' that is no argument of the tool is refused", async () => {
  const vault = vaultOf("/req/key");
  for (const name of ["key", "/req/ke", "/req/keys"]) {
    await assert.rejects(vault.inject("t", {}, { redact: [name] }), ConfigurationError);
    const inputSchema = z.object({ req: z.object({ key: z.string() }) });
    const tools = { t: { inputSchema, execute: () => "" } };
    await assert.rejects(withSecrets(tools, vault, { redact: [name] }), /no tool that was given has an argument/);
  }
  assert.deepEqual(vault.uses, []);
});

test("two references for one place are refused", async () => {
  const bindings = { k: "secret://s", "/k": "secret://other" };
  await assert.rejects(vaultOf("k").inject("t", {}, { bindings }), /'bindings' has two references for 'k'; give one/);
});

test("an argument that is written with a slash is not the one without", async () => {
  assert.deepEqual(await returned(vaultOf("/~1k"), { hide: ["/~1k"], redact: ["/~1k"] }), { "/k": MARK });
  await assert.rejects(vaultOf("/~1k").inject("t", {}, { redact: ["/k"] }), ConfigurationError);
});
