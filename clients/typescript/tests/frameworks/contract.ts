import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { ConfigurationError, SecretMissing, type SecretOptions, Toolvault } from "toolvault";
import { FakeVault } from "toolvault/testing";
import { z } from "zod";

import { canary, clean } from "../support/canary.js";
import { Server } from "../support/server.js";

/** A tool of a test, for any framework. */
export interface Spec {
  readonly name: string;
  readonly description?: string;
  readonly parameters: any;
  readonly execute: (args: any) => any;
}

/** What the scripted model asks for. */
export interface Call {
  readonly name: string;
  readonly args: unknown;
}

/** What became of a run. */
export interface Outcome {
  /** The schemas that the model saw, by tool. */
  readonly schemas: Readonly<Record<string, any>>;
  /** What the model got from its calls, as text. */
  readonly outputs: readonly string[];
  /** Everything else that the framework shows: messages, events, traces. */
  readonly seen: unknown;
}

export interface Framework {
  readonly name: string;
  /** The framework's own tool. */
  make(spec: Spec): any;
  wrap(tools: any, vault: Toolvault, options?: SecretOptions<any>): Promise<any>;
  /** Runs an agent whose model asks for these calls in one turn. `user` goes into the framework's context. */
  run(tools: readonly any[], calls: readonly Call[], user?: string): Promise<Outcome>;
  /** The user in what the framework passes to a tool. */
  user(context: any): string;
  /** Several tools, as the framework takes them. */
  many(tools: Readonly<Record<string, any>>): any;
  /** Calls one tool, without an agent. */
  invoke(tool: any, args: unknown): Promise<unknown>;
  /** Whether `invoke` rejects with the tool's error. Otherwise it has its text. */
  readonly rejects: boolean;
}

class Teapot extends Error {
  readonly status = 418;
  constructor(
    message: string,
    readonly headers: Record<string, string>,
  ) {
    super(message);
  }
}

/** The tests that hold for each framework. */
export function contract(framework: Framework): void {
  const { make, wrap, run, invoke } = framework;

  describe(framework.name, () => {
    let server: Server;
    let operator: Toolvault;
    let vault: Toolvault;
    let value: string;

    before(async () => {
      server = await Server.start();
      operator = server.operator();
      vault = await server.runtime();
    });
    after(() => server.stop());
    beforeEach(async () => {
      for await (const { secret_id: id } of operator.secrets.iterate()) await operator.secrets.delete(id);
      value = canary();
      const binding = { tool_name: "linear_*", tool_arg: "api_token", is_default_for_tool: true };
      await operator.secrets.create({ secret_name: "linear", secret_value: value, ...binding });
      vault = new Toolvault({ url: server.url, apiKey: (await operator.keys.create({ scopes: ["resolve"] })).key });
    });

    function linear(execute: Spec["execute"], name = "linear_get"): any {
      const parameters = z.strictObject({ issue: z.string(), api_token: z.string().startsWith("lin_") });
      return make({ name, description: "Returns an issue.\n\napi_token: the key of Linear", parameters, execute });
    }

    test("an agent calls a tool with the key, and never sees it", async () => {
      const received: unknown[] = [];
      const own = linear((args) => {
        received.push(args);
        return `sent ${args.api_token} for ${args.issue}`;
      });
      const tool = await wrap(own, vault);
      const outcome = await run([tool], [{ name: "linear_get", args: { issue: "ENG-42", api_token: "made up" } }]);
      assert.deepEqual(received, [{ issue: "ENG-42", api_token: value }]);
      assert.match(outcome.outputs[0] ?? "", /sent \[secret:linear\] for ENG-42/);
      const schema = outcome.schemas.linear_get;
      assert.deepEqual(Object.keys(schema.properties), ["issue"]);
      assert.deepEqual(schema.required, ["issue"]);
      assert.ok(!JSON.stringify(outcome.schemas).includes("api_token"));
      clean(value, outcome, tool);
    });

    test("the tool's validators run once, and wholly", async () => {
      const received: unknown[] = [];
      const parameters = z
        .object({
          usd: z.number().overwrite((usd) => usd * 100),
          path: z.string(),
          api_token: z.string().overwrite((key) => `Bearer ${key}`),
        })
        .refine(({ path }) => !path.includes(".."), "no ..");
      const tool = await wrap(
        make({ name: "linear_pay", parameters, execute: (args) => void received.push(args) }),
        vault,
      );
      await run([tool], [{ name: "linear_pay", args: { usd: 5, path: "a" } }]);
      assert.deepEqual(received, [{ usd: 500, path: "a", api_token: `Bearer ${value}` }]);
      const refused = await run([tool], [{ name: "linear_pay", args: { usd: 5, path: "../etc" } }]);
      assert.equal(received.length, 1);
      clean(value, refused);
    });

    test("a member inside an argument is hidden and supplied by its pointer", async () => {
      const binding = { tool_name: "linear_req", tool_arg: "/req/api_key", is_default_for_tool: true };
      await operator.secrets.create({ secret_name: "inner", secret_value: value, ...binding });
      const received: unknown[] = [];
      const parameters = z.object({
        req: z.object({ api_key: z.string(), query: z.string() }),
        other: z.object({ api_key: z.string() }),
      });
      const tool = await wrap(
        make({ name: "linear_req", parameters, execute: (args) => void received.push(args) }),
        vault,
      );
      const outcome = await run(
        [tool],
        [{ name: "linear_req", args: { req: { query: "q" }, other: { api_key: "public" } } }],
      );
      assert.deepEqual(received, [{ req: { query: "q", api_key: value }, other: { api_key: "public" } }]);
      const { properties } = outcome.schemas.linear_req;
      assert.deepEqual(Object.keys(properties.req.properties), ["query"]);
      assert.deepEqual(Object.keys(properties.other.properties), ["api_key"]);
      clean(value, outcome);
    });

    test("an error keeps its class and attributes, with its text redacted", async () => {
      const cause = () => new Error(`cause ${value}`);
      const thrown = () =>
        Object.assign(new Teapot(`GET /?key=${value}`, { authorization: value }), { cause: cause() });
      const own = linear(() => Promise.reject(thrown()));
      const tool = await wrap(own, vault);
      const failed = invoke(tool, { issue: "a" });
      if (framework.rejects) {
        await assert.rejects(failed, (error) => {
          assert.ok(error instanceof Teapot);
          assert.deepEqual(
            [error.message, error.status, error.headers],
            ["GET /?key=[secret:linear]", 418, { authorization: "[secret:linear]" }],
          );
          clean(value, error);
          return true;
        });
      } else {
        assert.match(String(await failed), /GET \/\?key=\[secret:linear\]/);
        clean(value, await failed);
      }
      clean(
        value,
        await run([tool], [{ name: "linear_get", args: { issue: "a" } }]).catch((reason: unknown) => reason),
      );
    });

    test("a missing secret is an error that says what to do", async () => {
      const tool = await wrap(
        linear(() => assert.fail("it was called"), "other"),
        vault,
        { hide: ["api_token"] },
      );
      const text =
        /Argument 'api_token' of tool 'other' is required and no secret serves it. Run: toolvault explain 'other'/;
      const failed = invoke(tool, { issue: "a" });
      if (framework.rejects) {
        await assert.rejects(failed, (error) => {
          assert.ok(error instanceof SecretMissing && error.argument === "api_token");
          assert.match(error.message, text);
          return true;
        });
      } else assert.match(String(await failed), text);
    });

    test("calls of one turn are one request", async () => {
      const { counted, asked } = server.counted();
      const tool = await wrap(
        linear(({ issue }) => issue),
        counted,
      );
      const calls = Array.from({ length: 10 }, (_, index) => ({ name: "linear_get", args: { issue: `i${index}` } }));
      const { outputs } = await run([tool], calls);
      assert.equal(outputs.length, 10);
      assert.equal(asked.filter((path) => path === "/v1/resolve").length, 1);
    });

    test("each call is for the user in the framework's context", async () => {
      const platform = await server.platform();
      const users: Array<[string, string]> = [];
      for (const name of ["ann", "bob"]) {
        const { user_id: user } = await operator.users.create({ name });
        const own = canary();
        users.push([user, own]);
        const binding = { tool_name: "linear_*", tool_arg: "api_token", is_default_for_tool: true };
        await platform.secrets.create({ secret_name: "linear", secret_value: own, ...binding }, { user });
      }
      const received: string[] = [];
      const own = linear(({ api_token: token }) => void received.push(token));
      await assert.rejects(wrap(own, platform, { user: framework.user }), ConfigurationError);
      const tool = await wrap(own, platform, { user: framework.user, hide: ["api_token"] });
      for (const [user] of users) await run([tool], [{ name: "linear_get", args: { issue: "a" } }], user);
      const around = await wrap(own, platform, { hide: ["api_token"] });
      const call = [{ name: "linear_get", args: { issue: "a" } }];
      await Promise.all(users.map(([user]) => platform.actingFor(user, () => run([around], call))));
      const expected = users.map(([, key]) => key);
      assert.deepEqual(received.slice(0, 2), expected);
      assert.deepEqual(received.slice(2).toSorted(), expected.toSorted());
    });

    test("a binding names a secret, and a policy may say that a value is not confidential", async () => {
      const made = await operator.secrets.create({ secret_name: "user name", secret_value: "ann.smith.1" });
      await operator.secrets.setPolicy(made.secret_id, { redact: false });
      const own = linear(({ api_token: token }) => `as ${token}`.replace("lin_", ""), "other");
      const plain = make({
        name: "other",
        parameters: z.object({ api_token: z.string() }),
        execute: ({ api_token: name }) => `as ${name}`,
      });
      const tool = await wrap(plain, vault, { bindings: { api_token: "secret://user%20name" } });
      const { outputs } = await run([tool], [{ name: "other", args: {} }]);
      assert.match(outputs[0] ?? "", /as ann\.smith\.1/);
      await assert.rejects(wrap(own, vault, { hide: ["unknown"] }), /no tool that was given has an argument 'unknown'/);
    });

    test("a list is wrapped, a tool without secrets stays itself, and other things are refused", async () => {
      const other = linear(() => "", "other");
      const [first, second] = Object.values(
        await wrap(framework.many({ linear_get: linear(() => ""), other }), vault),
      ) as any[];
      assert.equal(second, other);
      const bare = make({ name: "bare", parameters: z.object({ issue: z.string() }), execute: () => "" });
      const both: any[] = Object.values(await wrap(framework.many({ other, bare }), vault, { hide: ["api_token"] }));
      assert.notEqual(both[0], other);
      assert.equal(both[1], bare);
      assert.notEqual(first, undefined);
      for (const stray of [5, null, "tool", { a: 5 }, [undefined]])
        await assert.rejects(wrap(stray, vault), ConfigurationError);
    });

    test("an optional argument without a secret is hidden and left out", async () => {
      const received: unknown[] = [];
      const parameters = z.object({ issue: z.string(), key: z.string().optional().nullable() });
      const tool = await wrap(make({ name: "other", parameters, execute: (args) => void received.push(args) }), vault, {
        hide: ["key"],
      });
      await run([tool], [{ name: "other", args: { issue: "a", key: "made up" } }]);
      assert.deepEqual(JSON.parse(JSON.stringify(received)), [{ issue: "a" }]);
    });

    test("a value becomes the object that the schema asks for", async () => {
      const fake = new FakeVault().add({
        tool_name: "t",
        tool_arg: "account",
        secret_value: `{"key":"${value}"}`,
        secret_name: "account",
        is_default_for_tool: true,
      });
      const received: unknown[] = [];
      const parameters = z.object({ account: z.object({ key: z.string() }), q: z.string() });
      const own = make({ name: "t", parameters, execute: (args) => [received.push(args), args.account.key] });
      const { outputs } = await run([await wrap(own, fake)], [{ name: "t", args: { q: "q" } }]);
      assert.deepEqual(received, [{ q: "q", account: { key: value } }]);
      assert.match(outputs[0] ?? "", /\[secret:account\]/);
    });
  });
}
