import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";

import { Confidential } from "../../src/confidential.js";
import { Injected } from "../../src/injection/injected.js";
import { Parts, redactionOf } from "../../src/injection/parts.js";
import { Search } from "../../src/injection/search.js";
import { Completed } from "../../src/models.js";
import { canary, clean } from "../support/canary.js";

const VALUE = `${canary()}/ü"&`;
const MARK = "[secret:k]";
const search = new Search([["k", new Confidential(VALUE)]]);
const redaction = redactionOf(search);

test("a value is found in its usual spellings", () => {
  const bytes = Buffer.from(VALUE);
  const spellings = [
    VALUE,
    JSON.stringify(VALUE).slice(1, -1),
    JSON.stringify(JSON.stringify(VALUE)).slice(3, -3),
    encodeURIComponent(VALUE),
    new URLSearchParams({ a: VALUE }).toString().slice(2),
    VALUE.replaceAll("&", "&amp;").replaceAll('"', "&quot;"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    [...VALUE].reverse().join(""),
  ];
  for (const spelling of spellings) assert.equal(search.text(`<${spelling}>`), `<${MARK}>`, spelling);
  for (const before of ["", "a", "ab", "abc"]) {
    for (const encoding of ["base64", "base64url"] as const) {
      const shown = search.text(Buffer.from(`${before}${VALUE}zz`).toString(encoding));
      assert.ok(shown.includes(MARK) && shown.length < MARK.length + 12, shown);
    }
  }
});

test("short values are not searched for, and overlapping ones leave nothing", () => {
  assert.equal(new Search([["k", new Confidential("seven77")]]).isEmpty, true);
  const both = new Search([
    ["a", new Confidential("abcdefgh1234")],
    ["b", new Confidential("1234ijklmnop")],
  ]);
  assert.equal(both.text("<abcdefgh1234ijklmnop>"), "<[secret:a]>");
});

test("a value that repeats itself is found wholly, and in linear time", () => {
  const periodic = new Search([["k", new Confidential("a".repeat(20_000))]]);
  assert.equal(periodic.text("a".repeat(2_000_000)), MARK);
  assert.equal(periodic.text(`b${"a".repeat(1_010_007)}b`), `b${MARK}b`);
  for (const value of ["abababab", "abcabcabcab", "aaaaaaaab", "abaababaab", "abcdefgh"]) {
    const search = new Search([["k", new Confidential(value)]]);
    for (let shift = 1; shift <= value.length; shift += 1) {
      // The value begins again before it ends, where it can, and is cut off at the end.
      const text = `<${value.slice(0, shift)}${value.slice(0, shift)}${value}${value.slice(0, -1)}>`;
      assert.equal(search.text(text).replaceAll(MARK, "#"), slow(text, value), value);
      const parts = new Parts(search);
      const shown = [...[...text].flatMap((one) => parts.push(one)), ...parts.end()];
      assert.equal(shown.join("").replaceAll(MARK, "#"), slow(text, value), value);
    }
  }
});

/** The text with "#" for each run of overlapping occurrences, in either direction. */
function slow(text: string, value: string): string {
  const spans: Array<{ start: number; end: number }> = [];
  for (let start = 0; start < text.length; start += 1) {
    if (![value, [...value].reverse().join("")].some((one) => text.startsWith(one, start))) continue;
    const last = spans.at(-1);
    if (last && start < last.end) last.end = start + value.length;
    else spans.push({ start, end: start + value.length });
  }
  return spans.reduceRight((shown, { start, end }) => `${shown.slice(0, start)}#${shown.slice(end)}`, text);
}

test("every place of a result is searched, and the rest stays the same", () => {
  class Own {
    readonly #hidden = 1;
    constructor(
      readonly name: string,
      readonly list: unknown,
    ) {}
    get hidden(): number {
      return this.#hidden;
    }
  }
  const untouched = { date: new Date(0), map: new Map([[1, new Own("a", [])]]), nothing: null, big: 1n };
  assert.equal(redaction.result(untouched), untouched);
  const cyclic: any = { VALUE };
  cyclic.self = cyclic;
  const result: any = redaction.result({
    untouched,
    [VALUE]: new Map([[VALUE, new Set([VALUE])]]),
    own: new Own(VALUE, [VALUE]),
    url: new URL(`http://a/?b=${VALUE}`),
    bytes: new TextEncoder().encode(VALUE),
    buffer: Buffer.from(`<${VALUE}>`),
    error: new TypeError(VALUE),
    cyclic,
    nullish: Object.assign(Object.create(null), { VALUE }),
  });
  assert.equal(result.untouched, untouched);
  assert.equal(result.cyclic.self, result.cyclic);
  assert.equal(cyclic.VALUE, VALUE);
  assert.ok(result.own instanceof Own && result.error instanceof TypeError);
  assert.equal(result.buffer.toString(), `<${MARK}>`);
  clean(canaryOf(), result, Object.keys(result), inspect(result.bytes.toString()));
});

test("a result may be deep", () => {
  let deep: any = { VALUE };
  for (let depth = 0; depth < 100_000; depth += 1) deep = depth % 2 ? [deep] : { deep };
  let clean: any = redaction.result(deep);
  while (clean.VALUE === undefined) clean = clean.deep ?? clean[0];
  assert.equal(clean.VALUE, MARK);
});

test("an error is redacted in place, with its causes", () => {
  const error: any = new AggregateError([new RangeError(VALUE)], `all ${VALUE}`, { cause: { url: VALUE } });
  error.response = { headers: { authorization: VALUE } };
  error.self = error;
  assert.equal(redaction.result(error), error);
  assert.ok(error.errors[0] instanceof RangeError);
  assert.equal(error.message, `all ${MARK}`);
  clean(canaryOf(), error, error.stack, error.errors[0], error.cause);
  const frozen = Object.freeze(new RangeError(VALUE));
  const copy = redaction.result(frozen);
  assert.ok(copy instanceof RangeError);
  assert.equal(copy.message, MARK);
  const abort: any = redaction.result(new DOMException(VALUE, "AbortError"));
  assert.deepEqual([abort.name, abort.message], ["AbortError", MARK]);
  assert.equal(redaction.result(VALUE), MARK);
});

test("a value across parts is found, however it is cut", () => {
  const text = `before ${VALUE} between ${VALUE.slice(0, 20)} and ${VALUE}`;
  for (let seed = 1; seed < 300; seed += 1) {
    const cuts: string[] = [];
    for (let at = 0, step = seed; at < text.length; step = (step * 7 + seed) % 23) {
      cuts.push(text.slice(at, at + step));
      at += step || 1;
      if (step === 0) cuts.push(text.slice(at - 1, at));
    }
    const parts = new Parts(search);
    const shown = [...cuts.flatMap((one) => parts.push(one)), ...parts.end()];
    assert.equal(shown.length, cuts.length);
    assert.equal(shown.join(""), search.text(text));
  }
});

test("getters, toJSON, and members that are not enumerable or have symbols", () => {
  const symbol = Symbol("s");
  class Hidden {
    readonly #token = VALUE;
    readonly id = 7;
    toJSON(): object {
      return { id: this.id, token: this.#token };
    }
  }
  class Plain {
    constructor(public note: string) {}
    toJSON(): object {
      return { noted: this.note };
    }
  }
  const result: any = redaction.result({
    lazy: Object.defineProperty({}, "token", { get: () => VALUE, enumerable: true }),
    still: Object.defineProperty({}, "token", { value: VALUE, enumerable: false }),
    [symbol]: { [symbol]: VALUE },
    closure: { toJSON: () => ({ token: VALUE }) },
    hidden: new Hidden(),
    plain: new Plain(VALUE),
    list: Object.assign(new Array(3), { 0: 1, 2: 2, input: VALUE }),
    match: /x(.*)/.exec(`x${VALUE}`),
    map: Object.assign(new Map([[1, { VALUE }]]), { VALUE }),
    boxed: new String(VALUE),
    query: new URLSearchParams({ VALUE }),
    headers: new Headers({ authorization: `Bearer ${VALUE}`, other: "1" }),
    throws: Object.defineProperty({}, "token", { get: () => assert.fail(VALUE), enumerable: true }),
  });
  assert.equal(result.lazy.token, MARK);
  assert.equal(result.still.token, MARK);
  assert.equal(result[symbol][symbol], MARK);
  assert.deepEqual(JSON.parse(JSON.stringify(result.hidden)), { id: 7, token: MARK });
  assert.deepEqual(JSON.parse(JSON.stringify(result.closure)), { token: MARK });
  assert.ok(result.hidden instanceof Hidden);
  // A class whose toJSON can read the copy keeps it: later changes are shown.
  result.plain.note = "changed";
  assert.deepEqual(JSON.parse(JSON.stringify(result.plain)), { noted: "changed" });
  assert.deepEqual([result.list.length, 1 in result.list, result.list.input], [3, false, MARK]);
  assert.deepEqual([result.match.input, result.match.index, result.match[1]], [`x${MARK}`, 0, MARK]);
  assert.deepEqual([result.map.get(1).VALUE, result.map.VALUE], [MARK, MARK]);
  assert.equal(result.query.get("VALUE"), MARK);
  clean(canaryOf(), result, result.query.toString());
  const same = {
    json: new Date(0),
    plain: new Plain("a"),
    query: new URLSearchParams({ a: "b" }),
    body: new Blob(["a"]),
  };
  assert.equal(redaction.result(same), same);
});

test("members of an error that have symbols, names, getters and a toJSON", () => {
  const symbol = Symbol("s");
  class Failure extends RangeError {
    readonly #request = { token: VALUE };
    toJSON(): object {
      return { message: this.message, request: this.#request };
    }
  }
  const error: any = new Failure("failed", { cause: Object.freeze(new Failure("inner")) });
  error[symbol] = { headers: VALUE };
  error[VALUE] = 1;
  Object.defineProperty(error, "lazy", { get: () => VALUE, configurable: true });
  assert.equal(redaction.result(error), error);
  assert.deepEqual([error[symbol].headers, error.lazy, error[MARK]], [MARK, MARK, 1]);
  assert.deepEqual(Object.keys(error), [MARK]);
  assert.deepEqual(JSON.parse(JSON.stringify(error)), { message: "failed", request: { token: MARK } });
  assert.deepEqual(JSON.parse(JSON.stringify(error.cause)), { message: "inner", request: { token: MARK } });
  clean(canaryOf(), error, Reflect.ownKeys(error).map(String));
});

test("results of another realm, and clones", () => {
  const foreign: any = runInNewContext("({ error: new RangeError(v), map: new Map([[v, new Set([v])]]), list: [v] })", {
    v: VALUE,
  });
  const result: any = redaction.result(foreign);
  assert.equal(result.error, foreign.error);
  clean(canaryOf(), result, [...result.map.keys()], result.error.stack);
  const cloned: any = redaction.result(structuredClone({ a: new Error("a", { cause: new Error(VALUE) }), b: [VALUE] }));
  clean(canaryOf(), cloned, cloned.a.cause);
});

test("numbers that were supplied are redacted as numbers and in texts", async () => {
  const applied = ["n", "deep"].map((arg) => {
    return { arg, secret_id: "", secret_name: "k", version: 1, source: "default", redact: true } as const;
  });
  const values = { n: "12345678.50", deep: '{"pin":[9876543210,1234],"big":1e21}' };
  const types = new Map([
    ["n", { types: new Set(["number"]), isRequired: true }],
    ["deep", { types: new Set(["object"]), isRequired: true }],
  ]);
  const injected = new Injected(new Completed("t", values, applied), types, undefined);
  assert.deepEqual(injected.args, { n: 12345678.5, deep: { pin: [9876543210, 1234], big: 1e21 } });
  assert.equal(await injected.run(({ n }) => n), MARK);
  const found = await injected.run(({ n, deep }) => ({
    n,
    ...deep,
    set: new Set([n]),
    big: BigInt(deep.pin[0]),
    m: -n,
  }));
  assert.deepEqual(found, { n: MARK, pin: [MARK, 1234], big: MARK, set: new Set([MARK]), m: `-${MARK}` });
  assert.equal(await injected.run(({ n }) => `n=${n}`), `n=${MARK}`);
  await assert.rejects(
    injected.run(({ n }) => Promise.reject(Object.assign(new Error("no"), { n }))),
    { n: MARK },
  );
});

/** The part of the value that has the same spelling in all texts. */
function canaryOf(): string {
  return VALUE.slice(0, -4);
}
