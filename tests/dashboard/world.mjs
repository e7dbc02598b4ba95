// A real server with a browser in front of it. Each file of tests has one world of its own.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BINARY = process.env.TOOLVAULT_BINARY;
const EXAMPLES = process.env.EXAMPLES_FOLDER;

const CONFIGURATION = `
[gateway.servers.issues]
command = ["python3", "${EXAMPLES}/issues.py"]
credential_arguments = ["api_token"]
`;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A server on an empty store; `configure` gets its URL and folder, and gives more of the configuration. */
async function serve(configure) {
  const folder = mkdtempSync(join(tmpdir(), "toolvault-dashboard-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  mkdirSync(join(folder, "configuration"));
  writeFileSync(join(folder, "toolvault.toml"), CONFIGURATION + (await configure(url, folder)));
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("TOOLVAULT_"));
  const env = {
    ...Object.fromEntries(ours),
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, "configuration"),
    TOOLVAULT_CONFIG: join(folder, "toolvault.toml"),
    TOOLVAULT_DATA_DIR: join(folder, "data"),
    TOOLVAULT_ROOT_KEY_FILE: join(folder, "data.root.key"),
    TOOLVAULT_LISTEN: new URL(url).host,
    TOOLVAULT_URL: url,
  };
  const process_ = spawn(BINARY, ["serve"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const ready = new Promise((resolve, reject) => {
    const look = (text) => {
      log += text;
      if (log.includes('"message":"listening"')) resolve();
    };
    process_.stdout.on("data", look);
    process_.stderr.on("data", look);
    process_.on("exit", (status) => reject(new Error(`the server ended with ${status}: ${log}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => process_.on("exit", resolve));
    process_.kill();
    await ended;
    rmSync(folder, { recursive: true });
  };
  await ready;
  const keys = readFileSync(join(folder, "data.first-keys"), "utf8").match(/tvk_\w+/g);
  const command = (...args) => execFileSync(BINARY, args, { env, encoding: "utf8" });
  const begin = (args, more) => spawn(BINARY, args, { env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  return { url, folder, own: keys[0], agent: keys[1], command, begin, stop };
}

/**
 * The world of a file of tests: `{ url, folder, own, agent, command, begin, api, session, open, signedIn }`. `prepare` fills
 * it, and `configure` gives more of the server's configuration. Pages may go to the origins in `elsewhere`.
 */
export function world(prepare = async () => {}, configure = () => "") {
  const it = { elsewhere: [] };
  let browser;
  before(async () => {
    Object.assign(it, await serve(configure));
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
    await prepare();
  });
  after(async () => {
    await browser?.close();
    await it.stop?.();
  });

  /** A request with a key; returns the body. */
  it.api = async (method, path, json, key = it.own) => {
    const headers = { "x-api-key": key, "content-type": "application/json" };
    const response = await fetch(`${it.url}/${path}`, { method, headers, body: json && JSON.stringify(json) });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response.status === 204 ? null : response.json();
  };

  /** A session of an agent with a server: `ask(method, params)` returns the text of the answer. */
  it.session = async (server) => {
    const session = {};
    const send = async (body) => {
      const headers = { "x-api-key": it.agent, "content-type": "application/json", accept: "application/json, text/event-stream", ...session };
      const response = await fetch(`${it.url}/mcp/${server}`, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", ...body }) });
      session["mcp-session-id"] ??= response.headers.get("mcp-session-id");
      return response.text();
    };
    const clientInfo = { name: "test", version: "1" };
    await send({ id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo } });
    await send({ method: "notifications/initialized" });
    return (method, params = {}) => send({ id: 2, method, params });
  };

  /** Stores a secret. */
  it.secret = (name, more = {}) => it.api("POST", "v1/secrets/", { secret_name: name, secret_value: `value of ${name}, long enough`, ...more });

  /** A key with these scopes. */
  it.key = async (scopes, more = {}) => (await it.api("POST", "v1/keys", { name: "test", scopes, ...more })).key;

  /**
   * A page of a browser that has never been here. A fault in its console fails the test `t`, and so does a violation of the
   * content security policy; `refused` are the statuses of answers that the test expects, which browsers log too.
   */
  it.open = async (t, { refused = [], context, ...options } = {}) => {
    const mine = context ?? (await browser.newContext({ baseURL: it.url, ...options }));
    const page = await mine.newPage();
    page.setDefaultTimeout(10_000);
    const faults = [];
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error("CSP", violatedDirective, blockedURI));
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      const isExpected = refused.some((status) => message.text().includes(`status of ${status}`));
      if (["error", "warning"].includes(message.type()) && !isExpected) faults.push(message.text());
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== it.url && !it.elsewhere.includes(origin) && protocol !== "blob:") faults.push(`a request to ${request.url()}`);
    });
    t.after(async () => {
      if (!context) await mine.close();
      assert.deepEqual(faults, []);
    });
    return page;
  };

  /** A page that is signed in, at `#/path`. */
  it.signedIn = async (t, path = "", { key = it.own, ...options } = {}) => {
    const page = await it.open(t, options);
    await page.goto(`/#/${path}`);
    await signIn(page, key);
    return page;
  };
  return it;
}

/** How a page is opened that signs out: the server refuses the requests that are still on their way then. */
export const signsOut = { refused: [401] };

export async function signIn(page, key) {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

export const heading = (page, name) => page.getByRole("heading", { level: 1, name });

/** The page's heading has the focus, as soon as the page is drawn. */
export const focused = (page, name) => page.locator("h1:focus", { hasText: name }).waitFor();

/** A row of a table, by a text in it. */
export const row = (page, text) => page.getByRole("row").filter({ hasText: text });

/** A value is in no element, field, storage or address. */
export async function assertNowhere(page, value) {
  const places = await page.evaluate(() => {
    const fields = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
    const stored = [localStorage, sessionStorage].map((storage) => JSON.stringify(storage));
    return [document.documentElement.outerHTML, location.href, document.title, document.cookie, JSON.stringify(history.state), ...fields, ...stored];
  });
  assert.ok(!places.some((place) => place?.includes(value)), "the value is still there");
}

/** Violations that axe finds on a page, of any weight. */
export async function violations(page) {
  // The policy of the page does not allow scripts in its own document; the protocol of the browser does.
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.map(({ id: rule, nodes }) => `${rule}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}
