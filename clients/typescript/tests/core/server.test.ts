import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  Confidential,
  Forbidden,
  NotFound,
  PreconditionFailed,
  SecretMissing,
  SecretNotAvailable,
  Toolvault,
  ValidationError,
} from "toolvault";

import { canary, clean } from "../support/canary.js";
import { Server } from "../support/server.js";

let server: Server;
let vault: Toolvault;

before(async () => {
  server = await Server.start();
  vault = server.operator();
});
after(() => server.stop());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const PEM = ["-----BEGIN KEY-----", canary(), "-----END KEY-----", ""].join("\n");

test("a secret is stored, listed, changed, restored and deleted", async () => {
  const value = canary();
  const made = await vault.secrets.create({
    secret_name: "one",
    secret_value: new Confidential(value),
    tool_name: "a__*",
  });
  clean(value, made);
  assert.deepEqual((await vault.secrets.get(made.secret_id)).etag, made.etag);
  assert.equal((await vault.secrets.list({ secret_name: "one" })).total, 1);
  const found = await all(vault.secrets.iterate({ q: "on" }));
  assert.deepEqual(
    found.map(({ secret_id }) => secret_id),
    [made.secret_id],
  );
  const bound = await vault.secrets.update(made.secret_id, { tool_arg: "key", is_default_for_tool: true });
  assert.deepEqual([bound.tool_name, bound.tool_arg, bound.is_default_for_tool], ["a__*", "key", true]);
  assert.equal((await vault.secrets.update(made.secret_id, { tool_name: null })).tool_name, null);
  await assert.rejects(
    vault.secrets.update(made.secret_id, { secret_name: "two" }, { ifMatch: '"no"' }),
    PreconditionFailed,
  );
  await vault.secrets.putValue(made.secret_id, PEM);
  assert.deepEqual((await vault.secrets.versions(made.secret_id)).map(({ version }) => version).toSorted(), [1, 2]);
  await vault.secrets.restore(made.secret_id, 1);
  await vault.secrets.deleteVersion(made.secret_id, 2);
  const resolved = await vault.resolve("a__x", {}, { bindings: { key: `secret:///id/${made.secret_id}` } });
  assert.equal(resolved.args.key, value);
  clean(value, resolved, { ...resolved }, Object.entries(resolved));
  await vault.secrets.delete(made.secret_id);
  await assert.rejects(vault.secrets.get(made.secret_id), NotFound);
});

test("a policy is kept", async () => {
  const { secret_id: id } = await vault.secrets.create({ secret_name: "policed", secret_value: canary() });
  assert.equal((await vault.secrets.policy(id)).redact, true);
  const policy = await vault.secrets.setPolicy(id, { redact: false, when: { base_url: ["https://a.example/*"] } });
  assert.deepEqual(policy.when, { base_url: ["https://a.example/*"] });
  assert.deepEqual(
    (await vault.secrets.policies()).map(({ secret_id }) => secret_id),
    [id],
  );
  await vault.secrets.delete(id);
});

test("keys, users, usage and the audit trail", async () => {
  const made = await vault.keys.create({ scopes: ["resolve"], tools: ["linear__*"], expires_in: 3600, name: "r" });
  clean(made.key.reveal(), made);
  assert.equal((await new Toolvault({ url: server.url, apiKey: made.key }).me()).tools[0], "linear__*");
  assert.equal((await vault.keys.update(made.key_id, { name: "renamed" })).name, "renamed");
  const next = await vault.keys.rotate(made.key_id, { overlap_seconds: 0 });
  assert.notEqual(next.key_id, made.key_id);
  await vault.keys.delete(next.key_id);
  assert.ok((await vault.keys.list()).some(({ key_id, revoked_at }) => key_id === next.key_id && revoked_at));
  const user = await vault.users.create({ name: "ann" });
  assert.equal((await vault.users.update(user.user_id, { secrets_limit: 3 })).secrets_limit, 3);
  assert.deepEqual(
    (await vault.users.list({ name: "ann" })).map(({ user_id }) => user_id),
    [user.user_id],
  );
  await vault.users.delete(user.user_id);
  assert.equal((await vault.usage()).secrets_limit, 10_000);
  const page = await vault.audit.list({ action: "key.rotated", limit: 1 });
  assert.equal(page.data[0]?.action, "key.rotated");
  const records = await all(vault.audit.iterate({ action: "user.created" }));
  assert.ok(records.length > 0 && records.every(({ action }) => action === "user.created"));
});

test("resolve, explain and inject", async () => {
  const value = canary();
  const binding = { tool_name: "linear__*", tool_arg: "api_token", is_default_for_tool: true };
  const { secret_id: id } = await vault.secrets.create({ secret_name: "linear", secret_value: value, ...binding });
  const runtime = await server.runtime();
  const explanation = await runtime.explain("linear__get", {}, { accepts: ["api_token"] });
  assert.deepEqual(
    explanation.arguments.map(({ arg, winner }) => [arg, winner]),
    [["api_token", id]],
  );
  clean(value, explanation);
  const call = await runtime.inject("linear__get", { issue: "ENG-42", api_token: "made up" });
  clean(value, call, { call }, Object.entries(call));
  assert.deepEqual(call.args, { issue: "ENG-42", api_token: value });
  assert.deepEqual(await call.run((args) => [args.issue, `Bearer ${args.api_token}`]), [
    "ENG-42",
    "Bearer [secret:linear]",
  ]);
  await assert.rejects(
    call.run(({ api_token: token }) => Promise.reject(new RangeError(`no ${token}`))),
    { name: "RangeError", message: "no [secret:linear]" },
  );
  await assert.rejects(runtime.inject("other", {}, { hide: ["api_token"] }), (error) => {
    assert.ok(error instanceof SecretMissing);
    assert.deepEqual([error.argument, error.tool], ["api_token", "other"]);
    assert.match(error.message, /Run: toolvault explain 'other'/);
    return true;
  });
  await assert.rejects(runtime.inject("it's", {}, { hide: ["api_token"] }), /Run: toolvault explain 'it'\\''s'$/);
  await assert.rejects(runtime.inject("other", {}, { bindings: { k: "secret://none" } }), SecretNotAvailable);
  await assert.rejects(runtime.inject("other", {}, { bindings: { k: value } }), ValidationError);
  await vault.secrets.delete(id);
});

test("many tools are one question", async () => {
  const { counted, asked } = server.counted();
  await Promise.all(Array.from({ length: 150 }, (_, index) => counted.inject(`many__${index}`)));
  assert.deepEqual(asked, ["/v1/explain", "/v1/explain", "/v1/resolve", "/v1/resolve"]);
});

test("a change by the same client holds at once", async () => {
  assert.deepEqual((await vault.inject("fresh__x", { k: "received" })).args, { k: "received" });
  const value = canary();
  const binding = { tool_name: "fresh__*", tool_arg: "k", is_default_for_tool: true };
  const { secret_id: id } = await vault.secrets.create({ secret_name: "fresh", secret_value: value, ...binding });
  assert.deepEqual((await vault.inject("fresh__x", { k: "received" })).args, { k: value });
  await vault.secrets.delete(id);
});

test("one key acts for many users, each with their own secrets", async () => {
  const platform = await server.platform();
  const values = new Map<string, string>();
  for (const name of ["ann", "bob"]) {
    const { user_id: user } = await vault.users.create({ name });
    const value = canary();
    values.set(user, value);
    const binding = { tool_name: "many__*", tool_arg: "k", is_default_for_tool: true };
    await platform.secrets.create({ secret_name: "many", secret_value: value, ...binding }, { user });
  }
  const calls = [...values.keys()].flatMap((user) => [user, user, user]);
  const seen = await Promise.all(
    calls.map((user) => platform.actingFor(user, async () => (await platform.inject("many__x")).args.k)),
  );
  assert.deepEqual(
    seen,
    calls.map((user) => values.get(user)),
  );
  assert.equal(platform.currentUser, undefined);
  const [ann, bob] = [...values.keys()] as [string, string];
  for (const users of [
    [ann, undefined, bob],
    [undefined, bob, ann],
  ]) {
    const mixed = users.map((user) => {
      const call = async () => (await platform.inject("many__x", {}, { hide: ["k"] })).args.k;
      return user === undefined ? call() : platform.actingFor(user, call);
    });
    for (const [index, result] of (await Promise.allSettled(mixed)).entries()) {
      const user = users[index];
      if (user === undefined) assert.ok(result.status === "rejected" && result.reason instanceof Forbidden);
      else assert.equal(result.status === "fulfilled" && result.value, values.get(user));
    }
  }
  const [first] = calls;
  assert.equal((await platform.inject("many__x", {}, { user: first })).args.k, values.get(first as string));
});
