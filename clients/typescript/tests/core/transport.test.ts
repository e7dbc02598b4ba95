import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import {
  ApiError,
  Forbidden,
  NotFound,
  QuotaExceeded,
  RateLimited,
  SecretExpired,
  SecretMissing,
  ServerFailure,
  TooLarge,
  Toolvault,
  Unauthorized,
  Unavailable,
  UnexpectedAnswer,
  ValidationError,
} from "toolvault";

import { canary, clean } from "../support/canary.js";
import { json, Scripted } from "../support/scripted.js";

const KEY = `tvk_${canary()}`;

async function client(server: Scripted, options = {}): Promise<Toolvault> {
  return new Toolvault({ url: await server.listen(), apiKey: KEY, ...options });
}

/** The error of a promise that must reject. It shows neither the key nor the value. */
async function failure(promise: Promise<unknown>, value = KEY): Promise<ApiError> {
  const error = await promise.then(
    () => assert.fail("it did not reject"),
    (reason: unknown) => reason,
  );
  clean(KEY, error);
  clean(value, error);
  assert.ok(error instanceof ApiError);
  return error;
}

test("a redirect is not followed", async () => {
  await using other = new Scripted((_, response) => json(response, 200, {}));
  const elsewhere = await other.listen();
  await using server = new Scripted((_, response) => json(response, 307, {}, { location: `${elsewhere}/v1/me` }));
  const vault = await client(server);
  const error = await failure(vault.me());
  assert.ok(error instanceof UnexpectedAnswer);
  assert.equal(error.status, 307);
  assert.deepEqual(other.received, []);
});

test("errors have a class and the details of the answer", async () => {
  const cases: Array<[number, unknown, Record<string, string>, new (...args: any[]) => ApiError, string]> = [
    [401, { detail: "Missing or invalid credentials." }, {}, Unauthorized, "Missing or invalid credentials."],
    [403, { detail: "This key lacks the scope 'resolve'." }, {}, Forbidden, "This key lacks the scope 'resolve'."],
    [404, { detail: "Not found" }, {}, NotFound, "Not found"],
    [413, { detail: "Too much" }, { "toolvault-error": "quota_exceeded" }, QuotaExceeded, "Too much"],
    [413, { detail: "Too large" }, {}, TooLarge, "Too large"],
    [
      422,
      { detail: [{ type: "missing", loc: ["body", "x"], msg: "Field required" }] },
      {},
      ValidationError,
      "body.x: Field required",
    ],
    [500, "no", {}, ServerFailure, "The server answered with status 500."],
    [418, {}, {}, UnexpectedAnswer, "The server answered with status 418."],
  ];
  for (const [status, content, headers, kind, message] of cases) {
    await using server = new Scripted((_, response) => json(response, status, content, headers));
    const error = await failure((await client(server)).me());
    assert.ok(error instanceof kind, `${status}: ${error.name}`);
    assert.equal(error.message, message);
    assert.equal(error.status, status);
    assert.equal(error.code, headers["toolvault-error"]);
    assert.equal(error.name, kind.name);
  }
});

test("an unresolved argument is named, and input that a server echoes is not shown", async () => {
  const value = canary();
  const problem = {
    type: "secret_missing",
    loc: ["require", "token"],
    msg: "No usable secret",
    input: value,
    ctx: { value },
  };
  await using server = new Scripted((_, response) => json(response, 409, { detail: [problem] }));
  const error = await failure((await client(server)).resolve("linear", { value }), value);
  assert.ok(error instanceof SecretMissing);
  assert.deepEqual([error.argument, error.tool, error.message], ["token", "linear", "No usable secret"]);
  assert.deepEqual(error.problems, [{ type: "secret_missing", loc: ["require", "token"], msg: "No usable secret" }]);
});

test("reads are retried after the time that the server names, changes are not", async () => {
  const answers = [503, 429, 200];
  await using server = new Scripted((_, response) => {
    json(response, answers[(server.received.length - 1) % 3] as number, { user_id: "u" }, { "retry-after": "0.01" });
  });
  const vault = await client(server);
  assert.equal((await vault.me()).user_id, "u");
  assert.equal(server.received.length, 3);
  const error = await failure(vault.users.create({ name: "n" }));
  assert.ok(error instanceof Unavailable);
  assert.equal(error.retryAfter, 0.01);
  assert.equal(server.received.length, 4);
});

test("a wait longer than half a minute is left to the caller", async () => {
  await using server = new Scripted((_, response) =>
    json(response, 429, { detail: "slow down" }, { "retry-after": "31" }),
  );
  const error = await failure((await client(server)).me());
  assert.ok(error instanceof RateLimited);
  assert.equal(error.retryAfter, 31);
  assert.equal(server.received.length, 1);
});

test("a created secret is stored once, however often the request is sent", async () => {
  await using server = new Scripted((_, response) => {
    if (server.received.length === 1) response.destroy();
    else json(response, 200, { secret_id: "s" }, { etag: '"1"', "toolvault-warning": "short" });
  });
  const value = canary();
  const made = await (await client(server)).secrets.create({ secret_name: "n", secret_value: value });
  assert.deepEqual([made.secret_id, made.etag, made.warnings], ["s", '"1"', ["short"]]);
  const [first, second] = server.received;
  assert.equal(first?.headers["idempotency-key"], second?.headers["idempotency-key"]);
  assert.equal(JSON.parse(second?.body ?? "").secret_value, value);
  assert.ok(server.received.every(({ path }) => !path.includes(value)));
});

test("the deadline is for the whole operation", async () => {
  await using server = new Scripted((_, response) => {
    response.writeHead(200);
    response.write("{");
  });
  const began = performance.now();
  const error = await failure((await client(server, { timeout: 150 })).me());
  assert.ok(error instanceof Unavailable);
  assert.match(error.message, /^no answer from http:\/\/127\.0\.0\.1:\d+ within 150 ms$/);
  assert.ok(performance.now() - began < 2000);
  assert.equal(server.received.length, 1);
});

test("a signal ends a call, with the caller's reason", async () => {
  await using server = new Scripted(() => controller.abort(new RangeError("enough")));
  const controller = new AbortController();
  const vault = await client(server);
  await assert.rejects(vault.me({ signal: controller.signal }), { name: "RangeError", message: "enough" });
  await assert.rejects(vault.me({ signal: controller.signal }), { message: "enough" });
  assert.equal(server.received.length, 1);
});

test("a signal ends the waiting of one call in a batch, and a deadline that of all", async () => {
  await using server = new Scripted(() => controller.abort(new RangeError("enough")));
  const controller = new AbortController();
  const vault = await client(server, { timeout: 300 });
  const options = { hide: ["k"] };
  const calls = [vault.inject("a", {}, { ...options, signal: controller.signal }), vault.inject("b", {}, options)];
  const [one, other] = await Promise.allSettled(calls);
  assert.equal(one?.status === "rejected" && one.reason.message, "enough");
  assert.ok(other?.status === "rejected" && other.reason instanceof Unavailable);
  assert.equal(server.received.length, 1);
});

test("what is not from a Toolvault server is said so, and not shown", async () => {
  const value = canary();
  for (const body of [`<p>${value}</p>`, `"${value}"`, "null"]) {
    await using server = new Scripted((_, response) => response.writeHead(200).end(body));
    const error = await failure((await client(server)).resolve("t", {}), value);
    assert.ok(error instanceof UnexpectedAnswer, body);
  }
});

test("an address may have a path", async () => {
  await using server = new Scripted((_, response) => json(response, 200, { user_id: "u" }));
  const url = `${await server.listen()}/base/`;
  await new Toolvault({ url, apiKey: KEY }).me();
  await new Toolvault({ url, apiKey: KEY }).secrets.list({ q: "a b", limit: 1 });
  assert.deepEqual(
    server.received.map(({ path }) => path),
    ["/base/v1/me", "/base/v1/secrets/?q=a+b&limit=1"],
  );
});

test("a certificate of a private authority is trusted only if it is given", async () => {
  const folder = await mkdtemp(join(tmpdir(), "toolvault-"));
  const [keyFile, file] = [join(folder, "key"), join(folder, "certificate")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", keyFile, "-out", file];
  await promisify(execFile)("openssl", [...words, ...subject]);
  const ca = await readFile(file, "utf8");
  const server = createServer({ key: await readFile(keyFile), cert: ca }, (_, response) =>
    json(response, 200, { user_id: "u" }),
  );
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const error = await failure(new Toolvault({ url, apiKey: KEY, retries: 0 }).me());
  assert.match(error.message, /SELF_SIGNED/);
  const vault = new Toolvault({ url, apiKey: KEY, ca });
  assert.equal((await vault.me()).user_id, "u");
  vault.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

test("no connection is an error of this package", async () => {
  const vault = new Toolvault({ url: "http://127.0.0.1:9", apiKey: KEY, retries: 0 });
  const error = await failure(vault.me());
  assert.ok(error instanceof Unavailable);
  assert.match(error.message, /ECONNREFUSED/);
});

test("received arguments stay the caller's own objects, and values are added at pointers", async () => {
  const completed = { tool_name: "t", args: { when: "x", req: { n: 1, key: "v" } }, applied: [{ arg: "/req/key" }] };
  await using server = new Scripted((_, response) => json(response, 200, completed));
  const when = new Date(0);
  const req = { n: 1e300, big: 1n };
  const { args } = await (await client(server)).resolve("t", { when, req });
  assert.equal(args.when, when);
  assert.deepEqual(args.req, { n: 1e300, big: 1n, key: "v" });
  assert.deepEqual(Object.keys(req), ["n", "big"]);
});

test("a batch has a result or an error for each call", async () => {
  const expired = { status: 409, detail: [{ type: "secret_expired", loc: ["args", "k"], msg: "expired" }] };
  const fine = { status: 200, result: { tool_name: "a", args: { k: "v" }, applied: [] } };
  await using server = new Scripted((_, response) => json(response, 200, { results: [fine, expired] }));
  const [one, other] = await (await client(server)).resolveMany([{ tool: "a" }, { tool: "b" }]);
  assert.deepEqual(one && "args" in one && one.args, { k: "v" });
  assert.ok(other instanceof SecretExpired);
  assert.deepEqual([other.tool, other.argument], ["b", "k"]);
});
