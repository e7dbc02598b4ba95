import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { Confidential } from "../../src/confidential.js";
import { Injected } from "../../src/injection/injected.js";
import { Parts } from "../../src/injection/parts.js";
import { Search } from "../../src/injection/search.js";
import { Completed } from "../../src/models.js";
import { canary, clean } from "../support/canary.js";

const VALUE = canary();
const MARK = "[secret:k]";
const CUT = [VALUE.slice(0, 9), VALUE.slice(9), "end"];
const APPLIED = [{ arg: "k", secret_id: "", secret_name: "k", version: 1, source: "default", redact: true }] as const;
const injected = new Injected(new Completed("t", { k: VALUE }, APPLIED), new Map(), undefined);

async function read(stream: any): Promise<string> {
  let text = "";
  for await (const part of stream) text += part;
  return text;
}

test("streams of the web stay what they are", async () => {
  const bytes = CUT.map((one) => new TextEncoder().encode(one));
  const source = () =>
    new ReadableStream({ start: (to) => [...bytes.map((one) => to.enqueue(one)), to.close()] as any });
  const stream = await injected.run(source);
  assert.ok(stream instanceof ReadableStream);
  assert.equal(await new Response(stream as any).text(), `${MARK}end`);
  // A stream that is not read is not locked.
  const own = source();
  assert.notEqual(injected.redact({ own }).own, own);
  assert.equal(await new Response(own as any).text(), `${VALUE}end`);
});

test("a stream of the web fails with its error redacted, and is cancelled", async () => {
  const failing = injected.redact(
    new ReadableStream({
      start: (to) => to.enqueue("~"),
      pull: () => Promise.reject(new RangeError(`no ${VALUE}`, { cause: { VALUE } })),
    }),
  );
  const reader = failing.getReader();
  assert.deepEqual(await reader.read(), { done: false, value: "~" });
  await assert.rejects(reader.read(), (error: any) => {
    assert.ok(error instanceof RangeError && error.message === `no ${MARK}`);
    clean(VALUE, error, error.cause);
    return true;
  });
  const reasons: unknown[] = [];
  const cancelled = () =>
    new ReadableStream({ start: (to) => to.enqueue("~"), cancel: (reason) => void reasons.push(reason) });
  await injected.redact(cancelled()).cancel("unread");
  const read = injected.redact(cancelled()).getReader();
  await read.read();
  await read.cancel("read");
  assert.deepEqual(reasons, ["unread", "read"]);
  const refusing = injected.redact(new ReadableStream({ cancel: () => Promise.reject(new RangeError(VALUE)) }));
  await assert.rejects(refusing.cancel(), { name: "RangeError", message: MARK });
});

test("the body, the headers and the address of a Response are redacted", async () => {
  const server = createServer((request, response) => {
    response.writeHead(201, `made ${VALUE}`, { "x-given": String(request.headers.authorization) });
    response.write(`{"given":"${VALUE.slice(0, 9)}`);
    response.end(`${VALUE.slice(9)}"}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${VALUE}`;
    const response = await injected.run(({ k }) => fetch(address, { headers: { authorization: `Bearer ${k}` } }));
    assert.ok(response instanceof Response && response.ok && response.status === 201);
    assert.deepEqual([response.headers.get("x-given"), response.statusText], [`Bearer ${MARK}`, `made ${MARK}`]);
    assert.equal(response.url, address.replace(VALUE, MARK));
    clean(VALUE, response);
    assert.deepEqual(await response.json(), { given: MARK });
    const bare = injected.redact(new Response(null, { status: 204 }));
    assert.deepEqual([bare.status, await bare.text()], [204, ""]);
    const read = await fetch(address, { headers: { authorization: `Bearer ${VALUE}` } });
    await read.text();
    const used = injected.redact(read);
    clean(VALUE, used);
    assert.deepEqual(
      [used.url, used.headers.get("x-given"), used.statusText, used.status, used.bodyUsed],
      [address.replace(VALUE, MARK), `Bearer ${MARK}`, `made ${MARK}`, 201, true],
    );
    await assert.rejects(used.text(), TypeError);
    assert.throws(() => used.clone(), TypeError);
    assert.equal(injected.redact(Response.error()).type, "error");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("streams of Node.js stay what they are", async () => {
  const stream = injected.redact(Readable.from(CUT));
  assert.ok(stream instanceof Readable);
  assert.equal(await read(stream), `${MARK}end`);
  assert.equal(await read(injected.redact({ parts: Readable.from(CUT) }).parts), `${MARK}end`);
  const bytes = injected.redact(
    Readable.from(
      CUT.map((one) => Buffer.from(one)),
      { objectMode: false },
    ),
  );
  assert.equal(bytes.readableObjectMode, false);
  assert.equal(await read(bytes), `${MARK}end`);
  const failing = new Readable({ read: () => void failing.destroy(new RangeError(VALUE)) });
  await assert.rejects(read(injected.redact(failing)), { name: "RangeError", message: MARK });
  // One that fails before it is read, and one that is never read.
  const early = new Readable({ read: () => {} });
  const late = injected.redact(early);
  early.destroy(new RangeError(VALUE));
  await new Promise((resolve) => early.once("close", resolve));
  await assert.rejects(read(late), { name: "RangeError", message: MARK });
  const unread = Readable.from(CUT);
  injected.redact(unread).destroy();
  await new Promise((resolve) => unread.once("close", resolve));
});

test("generators end with their source, and their errors are redacted", async () => {
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
    yield "~";
    throw new RangeError(VALUE);
  }
  await assert.rejects(read(injected.redact(failing())), { name: "RangeError", message: MARK });
  async function* closing() {
    try {
      while (true) yield "~";
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: it fails when it is closed.
      throw new RangeError(VALUE);
    }
  }
  const parts = injected.redact(closing());
  await parts.next();
  await assert.rejects(parts.return(), { name: "RangeError", message: MARK });
});

test("generators without promises, and iterators", () => {
  const ended: string[] = [];
  function* generator(): Generator<string, unknown> {
    try {
      yield* CUT;
      return { VALUE };
    } finally {
      ended.push("ended");
    }
  }
  const parts = injected.redact(generator());
  assert.deepEqual(
    [parts.next(), parts.next(), parts.next()].map(({ value }) => value),
    [MARK, "", "end"],
  );
  assert.deepEqual(parts.next(), { done: true, value: { VALUE: MARK } });
  for (const part of injected.redact({ inside: generator() }).inside) {
    assert.equal(part, MARK);
    break;
  }
  assert.deepEqual(ended, ["ended", "ended"]);
  assert.deepEqual([...injected.redact(new Map([[1, VALUE]]).values())], [MARK]);
  function* failing() {
    yield "~";
    throw new RangeError(VALUE);
  }
  assert.throws(() => [...injected.redact(failing())], { name: "RangeError", message: MARK });
});

test("a value across parts that are objects of any class, also if they are cyclic", async () => {
  class Chunk {
    self: unknown = this;
    readonly [Symbol.toStringTag] = "Chunk";
    constructor(
      readonly content: string,
      readonly kwargs: object = { content },
    ) {}
  }
  async function* parts() {
    for (const one of CUT) yield new Chunk(one);
    for (const one of CUT) yield runInNewContext("({ list: [{ delta: v }], other: 1 })", { v: one });
    const shared = { text: VALUE.slice(0, 9) };
    yield { a: shared, b: shared };
    yield { a: { text: VALUE.slice(9) } };
  }
  const shown: any[] = [];
  for await (const part of injected.redact(parts())) shown.push(part);
  const chunks = shown.slice(0, 3);
  assert.ok(chunks.every((one) => one instanceof Chunk && one.self === one));
  assert.deepEqual(
    chunks.map(({ content, kwargs }) => [content, kwargs]),
    [MARK, "", "end"].map((content) => [content, { content }]),
  );
  assert.deepEqual(
    shown.slice(3, 6).map(({ list: [{ delta }], other }) => [delta, other]),
    [MARK, "", "end"].map((delta) => [delta, 1]),
  );
  assert.deepEqual(shown.slice(6), [{ a: { text: MARK }, b: { text: MARK } }, { a: { text: "" } }]);
  assert.equal(shown[6].a, shown[6].b);
});

test("a value in a text that grows from part to part is not shown before it is whole", () => {
  const text = `<before> ${VALUE} between ${VALUE.slice(0, 12)} and after`;
  for (const step of [1, 3, 7, 40]) {
    for (const isObject of [false, true]) {
      const search = new Search([["k", new Confidential(VALUE)]]);
      const parts = new Parts(search);
      const all = Array.from({ length: Math.ceil(text.length / step) }, (_, at) => text.slice(0, (at + 1) * step));
      const given: unknown[] = all.flatMap((text): unknown[] => (isObject ? [{ text }, { other: "~" }] : [text]));
      const shown: any[] = [...given.flatMap((part) => parts.push(part)), ...parts.end()];
      assert.equal(shown.length, given.length);
      const texts = shown.flatMap((part) => (isObject ? (part.text ?? []) : part));
      const [from, to] = ["<before> ".length, `<before> ${VALUE}`.length];
      for (const [index, own] of all.entries()) {
        const isBegun = own.length > from && own.length < to;
        if (isBegun && own.length < from + 8) assert.ok(own.startsWith(texts[index].replace(MARK, "")));
        else assert.equal(texts[index], isBegun ? `<before> ${MARK}` : search.text(own));
      }
    }
  }
});

test("texts that repeat are passed on, also if they end like the beginning of a value", () => {
  const parts = new Parts(new Search([["k", new Confidential(VALUE)]]));
  const status = { status: `call${VALUE.slice(0, 7)}` };
  assert.deepEqual(
    [status, status, status].map((one) => parts.push(one).length),
    [0, 1, 1],
  );
  assert.deepEqual(parts.end(), [status]);
});

test("streams, generators and promises inside the parts of a stream", async () => {
  async function* outer() {
    yield { stream: Readable.from(CUT), later: Promise.resolve(VALUE), now: [VALUE].values() };
  }
  for await (const { stream, later, now } of injected.redact(outer())) {
    assert.equal(await read(stream), `${MARK}end`);
    assert.equal(await later, MARK);
    assert.deepEqual([...now], [MARK]);
  }
});

test("promises in a result are redacted when they are settled", async () => {
  const result = await injected.run(({ k }) => ({
    kept: Promise.resolve({ k }),
    failed: Promise.reject(new RangeError(k)),
    unread: Promise.reject(new RangeError(k)),
  }));
  assert.deepEqual(await result.kept, { k: MARK });
  await assert.rejects(result.failed, { name: "RangeError", message: MARK });
});
