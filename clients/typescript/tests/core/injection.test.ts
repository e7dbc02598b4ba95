import assert from "node:assert/strict";
import { test } from "node:test";

import { z } from "zod";

import { described } from "../../src/injection/description.js";
import { at, overlaps, place, pointer, steps, withAt, withoutAt } from "../../src/injection/pointer.js";
import { declared, type JsonSchema, without } from "../../src/injection/schema.js";
import { split } from "../../src/injection/zod.js";

test("pointers, and copies at them", () => {
  assert.deepEqual(steps("/a~1b/c~0d"), ["a/b", "c~d"]);
  assert.equal(pointer(["a/b", "c~d"]), "/a~1b/c~0d");
  assert.deepEqual(steps("a/b"), ["a/b"]);
  const spelled = ["k", "/k", "/a/b", "/~1k", "/a~1b"];
  assert.deepEqual(spelled.map(place), ["k", "k", "/a/b", "/~1k", "a/b"]);
  assert.ok(overlaps("k", "/k") && overlaps("/a", "/a/b") && overlaps("/a/b", "a") && overlaps("/a~1b", "a/b"));
  assert.ok(!overlaps("k", "/kk") && !overlaps("/a/b", "/a/c") && !overlaps("a/b", "/a/b"));
  const own = { a: { b: [1, { c: 2 }] }, other: {} };
  assert.equal(at(own, "/a/b/1/c"), 2);
  assert.equal(at(own, "/a/toString"), undefined);
  const copy: any = withAt(own, "/a/b/1/c", 3);
  assert.deepEqual([copy.a.b, own.a.b, copy.other === own.other], [[1, { c: 3 }], [1, { c: 2 }], true]);
  assert.deepEqual(withAt(undefined, "/a/b", 1), { a: { b: 1 } });
  assert.deepEqual(withoutAt(own, "/a/b"), { a: {}, other: {} });
  assert.equal(withoutAt(own, "/a/x"), own);
  const hostile: any = withAt({}, "/__proto__/polluted", true);
  assert.equal(hostile.polluted, undefined);
  assert.equal(({} as any).polluted, undefined);
});

const REQUEST = {
  type: "object",
  properties: { api_key: { type: "string" }, next: { $ref: "#/$defs/request" }, q: { type: ["string", "null"] } },
  required: ["api_key", "q"],
};
const SCHEMA: JsonSchema = {
  type: "object",
  $defs: { request: REQUEST },
  properties: {
    req: { $ref: "#/$defs/request", description: "the request" },
    other: { $ref: "#/$defs/request" },
    token: { type: "string" },
    either: {
      anyOf: [{ type: "object", properties: { key: { type: "integer" } }, required: ["key"] }, { type: "null" }],
    },
  },
  required: ["req", "token"],
  dependentRequired: { other: ["token", "req"], token: ["req"] },
  allOf: [{ properties: { token: { minLength: 3 } }, required: ["token"] }],
  if: { properties: { token: { const: "a" } } },
  examples: [{ token: "example" }],
};

test("what a schema declares, also through references and branches", () => {
  const found = declared(SCHEMA);
  assert.ok(found.has("token") && !found.has("/token"));
  assert.deepEqual([...(found.get("/req/q")?.types ?? [])], ["string", "null"]);
  assert.equal(found.get("/req/api_key")?.isRequired, true);
  assert.equal(found.get("/other/api_key")?.isRequired, false);
  assert.ok(found.has("/req/next/next/api_key"));
  assert.deepEqual([...(found.get("/either/key")?.types ?? [])], ["integer"]);
  assert.equal(found.has("api_key"), false);
});

test("arguments disappear from every branch, and the original stays", () => {
  const before = structuredClone(SCHEMA);
  const reduced: any = without(SCHEMA, ["token", "/req/api_key"]);
  assert.deepEqual(SCHEMA, before);
  assert.ok(!JSON.stringify(reduced).includes("token"));
  assert.deepEqual(reduced.required, ["req"]);
  assert.deepEqual(reduced.dependentRequired, { other: ["req"] });
  assert.deepEqual(Object.keys(reduced.properties.req.properties), ["next", "q"]);
  assert.deepEqual(reduced.properties.req.required, ["q"]);
  assert.equal(reduced.properties.req.description, "the request");
  assert.deepEqual(reduced.properties.other, { $ref: "#/$defs/request" });
  assert.deepEqual(reduced.$defs.request, REQUEST);
  assert.deepEqual(without(SCHEMA, ["/either/key"]).properties, {
    ...(SCHEMA.properties as object),
    either: { anyOf: [{ type: "object", properties: {}, required: [] }, { type: "null" }] },
  });
});

test("examples of objects disappear, other constants stay", () => {
  const object = {
    type: "object",
    properties: { key: { type: "string" } },
    default: { key: "a" },
    enum: [{ key: "a" }],
  };
  const schema = { properties: { either: { anyOf: [object, { type: "string", enum: ["auto"] }, { const: null }] } } };
  assert.deepEqual(without(schema, ["/either/key"]).properties, {
    either: { anyOf: [{ type: "object", properties: {} }, { type: "string", enum: ["auto"] }, { const: null }] },
  });
});

test("a schema that refers to itself can be read and reduced", () => {
  const self: JsonSchema = { $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, REQUEST] } } };
  assert.ok(declared(self).has("api_key"));
  assert.throws(() => without(self, ["api_key"]), /'api_key' cannot be hidden in a schema that refers to itself/);
  const once: JsonSchema = {
    $ref: "#/definitions/a",
    definitions: { a: { properties: { key: {}, q: { $ref: "#/definitions/b~1c" } } }, "b/c": { type: "string" } },
  };
  assert.deepEqual(without(once, ["key"]), {
    properties: { q: { $ref: "#/definitions/b~1c" } },
    definitions: { "b/c": { type: "string" } },
  });
  const dependent: JsonSchema = {
    properties: { key: {} },
    dependentSchemas: { q: { properties: { key: { minLength: 3 } }, required: ["key"] } },
  };
  assert.deepEqual(without(dependent, ["key"]), {
    properties: {},
    dependentSchemas: { q: { properties: {}, required: [] } },
  });
});

test("a description loses the lines about hidden arguments", () => {
  const text =
    "Returns an issue.\n\nArgs:\n  id: Which one.\n  api_key: The key\n    of Linear.\n  - `req.token` (string): A token.\n  q: x";
  assert.equal(described(text, ["api_key", "/req/token"]), "Returns an issue.\n\nArgs:\n  id: Which one.\n  q: x");
  assert.equal(described("@param api_key - The key", ["api_key"]), "");
  assert.equal(described("It needs no api_key: it is free.", ["api_key"]), "It needs no api_key: it is free.");
  assert.equal(described(undefined, ["api_key"]), undefined);
});

test("what is not made of objects of zod 4 is left whole", async () => {
  assert.equal(await split(z.union([z.object({ k: z.string() }), z.object({ k: z.number() })]), ["k"]), undefined);
  assert.equal(
    await split(
      z.preprocess((value) => value, z.object({ k: z.string() })),
      ["k"],
    ),
    undefined,
  );
  assert.equal(await split({ type: "object" }, ["k"]), undefined);
});

test("both parts of a schema together accept what the schema accepts", async () => {
  const inner = z
    .object({ k: z.string().min(3), n: z.number().optional() })
    .refine(({ n, k }) => n !== 13 && k !== "abcd");
  const schemas = [
    z.object({ a: inner, b: z.string().optional() }),
    z.strictObject({ a: inner.nullable(), b: z.string().default("x") }),
    z.looseObject({ a: inner.optional(), b: z.string().nullish() }),
    z
      .object({ a: inner.readonly(), b: z.string().optional() })
      .catchall(z.number())
      .transform((all) => ({ all })),
  ];
  const inputs = [{ n: 1 }, { n: 13 }, { n: "x" }, {}].flatMap((a) => [
    { a },
    { a, b: "b" },
    { a, b: 5 },
    { a, b: "b", c: 3 },
    { a, c: "c" },
  ]);
  for (const [index, schema] of schemas.entries()) {
    const parts = await split(schema, ["/a/k"]);
    assert.ok(parts);
    for (const input of inputs) {
      for (const k of ["secret", "ab", "abcd"]) {
        const whole = schema.safeParse(withAt(input, "/a/k", k));
        const first: any = await (parts.visible as any).safeParseAsync(input);
        const second: any = first.success
          ? await (parts.rest as any).safeParseAsync(withAt(first.data, "/a/k", k))
          : first;
        assert.equal(second.success, whole.success, `${index} ${JSON.stringify(input)} ${k}`);
        if (whole.success) assert.deepEqual(second.data, whole.data);
      }
    }
  }
});
