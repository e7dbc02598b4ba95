import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { inspect } from "node:util";

import { Confidential } from "../../src/confidential.js";
import { Injected } from "../../src/injection/injected.js";
import { Parts } from "../../src/injection/parts.js";
import { Redaction } from "../../src/injection/redaction.js";
import { Search } from "../../src/injection/search.js";
import { Completed } from "../../src/models.js";
import { canary, clean } from "../support/canary.js";

const VALUE = `${canary()}/ü"&`;
const MARK = "[secret:k]";
const search = new Search([["k", new Confidential(VALUE)]]);
const redaction = new Redaction(search);

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

test("a value that repeats itself is found in linear time", () => {
  const periodic = new Search([["k", new Confidential("a".repeat(20_000))]]);
  const began = performance.now();
  assert.equal(periodic.text("a".repeat(2_000_000)), MARK.repeat(100));
  assert.ok(performance.now() - began < 5000);
});

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

test("a result may be deep, and its getters are not called", () => {
  let deep: any = { VALUE };
  for (let depth = 0; depth < 100_000; depth += 1) deep = depth % 2 ? [deep] : { deep };
  let clean: any = redaction.result(deep);
  while (clean.VALUE === undefined) clean = clean.deep ?? clean[0];
  assert.equal(clean.VALUE, MARK);
  const lazy = Object.defineProperty({ VALUE }, "lazy", { get: () => assert.fail("it was called"), enumerable: true });
  assert.equal(redaction.result(lazy).VALUE, MARK);
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

test("streams stay streams", async () => {
  const applied = [{ arg: "k", secret_id: "", secret_name: "k", version: 1, source: "default", redact: true }] as const;
  const injected = new Injected(new Completed("t", { k: VALUE }, applied), new Map(), undefined);
  const cut = [VALUE.slice(0, 9), VALUE.slice(9), "end"];
  const encode = cut.map((one) => new TextEncoder().encode(one));
  const stream = await injected.run(
    () => new ReadableStream({ start: (to) => [...encode.map((one) => to.enqueue(one)), to.close()] as any }),
  );
  assert.ok(stream instanceof ReadableStream);
  assert.equal(await new Response(stream as any).text(), `${MARK}end`);
  let text = "";
  for await (const part of injected.redact(Readable.from(cut))) text += part;
  assert.equal(text, `${MARK}end`);
  const inside = injected.redact({ parts: Readable.from(cut) });
  text = "";
  for await (const part of inside.parts) text += part;
  assert.equal(text, `${MARK}end`);
  const ended: string[] = [];
  async function* endless() {
    try {
      while (true) yield VALUE;
    } finally {
      ended.push("ended");
    }
  }
  for await (const part of injected.redact(endless())) {
    assert.equal(part, MARK);
    break;
  }
  assert.deepEqual(ended, ["ended"]);
  async function* failing() {
    yield "a";
    throw new RangeError(VALUE);
  }
  await assert.rejects(
    async () => {
      for await (const _ of injected.redact(failing()));
    },
    { name: "RangeError", message: MARK },
  );
});

/** The part of the value that has the same spelling in all texts. */
function canaryOf(): string {
  return VALUE.slice(0, -4);
}
