// The script of the page for a missing secret (crates/server/src/api/mcp_secrets), with a server that each test plays.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { JSDOM } from "jsdom";

const FOLDER = new URL(`${process.env.PAGE_FOLDER}/`, "file://");
const HTML = readFileSync(new URL("page.html", FOLDER), "utf8");
const SCRIPT = readFileSync(new URL("page.js", FOLDER), "utf8");
const ID = "400a06b1c2d3e4f5400a06b1c2d3e4f5";
const KEY = "tvk_0123456789";
const VALUE = "the value that is secret";
const LACKING = { server: "issues", argument: "api_token", secret_name: "issues-api_token", expires_in: 600 };

/** The page, opened below `path`; `answers` are what the server says, one after the other. */
function open(answers, path = "/mcp-secrets/") {
  const url = `https://vault.example${path}${ID}`;
  const { window } = new JSDOM(HTML, { url, runScripts: "outside-only", pretendToBeVisual: true });
  const asked = [];
  // What browsers have and jsdom does not.
  window.TextEncoder = TextEncoder;
  window.fetch = async (target, options) => {
    asked.push({ url: new URL(target, url).href, ...options });
    const [status, body] = answers.shift() ?? assert.fail("one request too many");
    if (status === 0) throw new TypeError("no answer");
    return { status, json: async () => body };
  };
  const page = { window, asked, find: (id) => window.document.getElementById(id) };
  let now = 0;
  window.performance.now = () => now;
  const ticks = [];
  window.setInterval = (tick) => ticks.push(tick);
  window.clearInterval = (number) => delete ticks[number - 1];
  page.pass = (seconds) => {
    now += seconds * 1000;
    ticks.forEach((tick) => tick());
  };
  window.eval(`(() => { ${SCRIPT} })()`);
  return page;
}

/** Fills in a form and sends it. */
async function submit(page, form, field, text) {
  page.find(field).value = text;
  page.find(form).dispatchEvent(new page.window.Event("submit", { cancelable: true, bubbles: true }));
  await new Promise((resolve) => setImmediate(resolve));
}

async function signedIn(answers, path) {
  const page = open([[200, LACKING], ...answers], path);
  await submit(page, "sign-in", "key", ` ${KEY}\n`);
  return page;
}

const shown = (page) => ["sign-in", "store", "outcome"].filter((id) => !page.find(id).hidden);

/** Nothing that was typed is in a field or in the text of the page. */
function assertForgotten(page) {
  const { document } = page.window;
  const typed = [...document.querySelectorAll("input, textarea")].map((field) => field.value).join();
  for (const secret of [KEY, VALUE]) {
    assert.ok(!typed.includes(secret) && !document.documentElement.outerHTML.includes(secret), secret);
  }
  const kept = [page.window.localStorage.length, page.window.sessionStorage.length, document.cookie];
  assert.deepEqual(kept, [0, 0, ""]);
}

test("nothing is asked before a key is given", () => {
  const page = open([]);
  assert.deepEqual(shown(page), ["sign-in"]);
  assert.deepEqual(page.asked, []);
});

test("the key goes to the API in a header only, and no cookie or redirect with it", async () => {
  const page = await signedIn([]);
  const [{ url, method, headers, body, credentials, redirect, cache }] = page.asked;
  assert.equal(url, `https://vault.example/v1/pending-secrets/${ID}`);
  assert.deepEqual([method, body, credentials, redirect, cache], ["GET", undefined, "omit", "error", "no-store"]);
  assert.deepEqual({ ...headers }, { authorization: `Bearer ${KEY}` });
});

test("behind a proxy the API is found below its path", async () => {
  const page = await signedIn([], "/vault/mcp-secrets/");
  assert.equal(page.asked[0].url, `https://vault.example/vault/v1/pending-secrets/${ID}`);
});

test("what is lacking is shown as text, never as markup", async () => {
  const markup = "<img src=x onerror=alert(1)>";
  const page = open([[200, { server: markup, argument: markup, secret_name: markup, expires_in: 65 }]]);
  await submit(page, "sign-in", "key", KEY);
  assert.deepEqual(shown(page), ["store"]);
  for (const id of ["server", "argument", "name"]) assert.equal(page.find(id).textContent, markup);
  assert.equal(page.window.document.querySelector("img"), null);
  assert.equal(page.find("time").textContent, "1:05");
  assert.equal(page.find("key").value, "");
});

test("a value is stored as it was pasted, without the line break of a single line", async () => {
  const pasted = { [VALUE]: VALUE, [`${VALUE}\n`]: VALUE, "-----BEGIN-----\nabc\n": "-----BEGIN-----\nabc\n" };
  for (const [typed, stored] of Object.entries(pasted)) {
    const page = await signedIn([[200, { secret_name: LACKING.secret_name }]]);
    await submit(page, "store", "value", typed);
    const { method, headers, body } = page.asked[1];
    assert.equal(method, "POST");
    assert.deepEqual({ ...headers }, { authorization: `Bearer ${KEY}`, "content-type": "application/json" });
    assert.deepEqual(JSON.parse(body), { secret_value: stored });
    assert.deepEqual(shown(page), ["outcome"]);
    assert.match(page.find("outcome").textContent, /issues-api_token/);
    assertForgotten(page);
  }
});

test("a refusal is said at the field, and another try is possible", async () => {
  const page = open([[401, { detail: "x" }], [0], [403, { detail: "This key lacks the scope 'manage'." }], [200, LACKING]]);
  for (const said of ["This key is not valid.", "The server does not answer. Try again.", "This key lacks the scope 'manage'."]) {
    await submit(page, "sign-in", "key", KEY);
    assert.equal(page.find("sign-in-problem").textContent, said);
    assert.equal(page.find("key").getAttribute("aria-invalid"), "true");
    assert.deepEqual(shown(page), ["sign-in"]);
  }
  await submit(page, "sign-in", "key", KEY);
  assert.deepEqual(shown(page), ["store"]);
});

test("what is no key, and a value of a wrong length, are not sent", async () => {
  const page = open([]);
  for (const text of ["", "a b", "schlüssel", "a\u0000"]) {
    await submit(page, "sign-in", "key", text);
    assert.equal(page.find("sign-in-problem").textContent, "This key is not valid.");
  }
  assert.deepEqual(page.asked, []);
  const inside = await signedIn([]);
  for (const [text, said] of [["abc", /at least 4/], ["ä".repeat(32769), /64 KiB/]]) {
    await submit(inside, "store", "value", text);
    assert.match(inside.find("store-problem").textContent, said);
  }
  assert.equal(inside.asked.length, 1);
});

test("a mistake that the server finds is told, without what was sent", async () => {
  const page = await signedIn([[422, { detail: [{ msg: "Value error, NUL is not allowed" }] }]]);
  await submit(page, "store", "value", VALUE);
  assert.equal(page.find("store-problem").textContent, "Value error, NUL is not allowed.");
  assert.deepEqual(shown(page), ["store"]);
});

test("a link that was used or has expired ends the page", async () => {
  const used = open([[404, { detail: "Not found" }]]);
  await submit(used, "sign-in", "key", KEY);
  const late = await signedIn([]);
  late.find("value").value = VALUE;
  late.pass(599);
  assert.deepEqual(shown(late), ["store"]);
  late.pass(1);
  const gone = await signedIn([[404, { detail: "Not found" }]]);
  await submit(gone, "store", "value", VALUE);
  for (const page of [used, late, gone]) {
    assert.deepEqual(shown(page), ["outcome"]);
    assert.match(page.find("outcome").textContent, /expired/);
    assertForgotten(page);
  }
});

test("a page that is left forgets what was typed", async () => {
  const page = await signedIn([[401, { detail: "x" }]]);
  page.find("value").value = VALUE;
  page.window.dispatchEvent(new page.window.Event("pagehide"));
  assertForgotten(page);
  // The key is not in memory either.
  await submit(page, "store", "value", VALUE);
  assert.equal(page.asked[1].headers.authorization, "Bearer ");
});

test("the value is masked until it is shown", async () => {
  const page = await signedIn([]);
  const isMasked = () => page.find("value").classList.contains("masked");
  assert.ok(isMasked());
  page.find("reveal").click();
  assert.ok(!isMasked());
  page.find("reveal").click();
  assert.ok(isMasked());
});
