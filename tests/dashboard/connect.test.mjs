// Signing in at a tool server, on the dashboard and at the command line: a real authorization server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { assertNowhere, heading, violations, world } from "./world.mjs";

const SHOTS = process.env.SCREENSHOTS_FOLDER;
let server;
let issuer;

async function configure() {
  server = spawn(process.execPath, [join(process.env.OIDC_FOLDER, "tool_server.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(server.stdout, "data");
  const ready = JSON.parse(line);
  issuer = new URL(ready.issuer);
  it.elsewhere.push(issuer.origin);
  return `[gateway.servers.notes]\nurl = "${ready.url}"\nallow_private_network = true\n`;
}

const it = world(undefined, configure);
after(() => server?.kill());

/** Says who one is at the authorization server. */
async function say(page, name, act = "Continue") {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: act }).click();
}

const goOn = (page) => page.getByRole("button", { name: `Go on to ${issuer.host}` });
const whoami = async () => (await it.session("notes"))("tools/call", { name: "whoami", arguments: {} });

/** A picture of the page, if someone wants to look at it. */
async function shoot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

test("a person connects a server on the dashboard, an agent uses it, and it is disconnected", async (t) => {
  const page = await it.signedIn(t, "gateway");
  const codes = [];
  page.on("request", (request) => request.url().includes("code=") && codes.push(new URL(request.url()).searchParams.get("code")));
  await page.getByText("Needs a sign-in").waitFor();
  await shoot(page, "gateway-needs-sign-in");
  await page.getByRole("link", { name: "Connect" }).click();
  await heading(page, "Sign in at notes").waitFor();
  const permissions = page.getByRole("list", { name: "Permissions" });
  assert.match(await permissions.innerText(), /read: read what you can there\s+write: change what you can there/);
  await goOn(page).click();
  await say(page, "ann");
  await page.getByText("You are signed in at notes").waitFor();
  await shoot(page, "connected");
  assert.equal(codes.length, 1, "only the authorization server's redirect has the code");
  await assertNowhere(page, codes[0]);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.match(await whoami(), /You are ann\./);

  await page.goto("/#/gateway");
  await page.getByText("whoami").waitFor();
  await page.getByText("Signed in at", { exact: true }).waitFor();
  await shoot(page, "gateway-connected");
  const { data } = await it.api("GET", "v1/connections");
  assert.deepEqual(data.map(({ server: name, state, can_refresh: renewed }) => [name, state, renewed]), [["notes", "connected", true]]);
  await page.getByRole("button", { name: "Disconnect notes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disconnect", exact: true }).click();
  await page.getByText("You are signed out at notes.").waitFor();
  // What its tools were stays known for 15 seconds.
  await page.getByText("You are not signed in at this server").waitFor();
  assert.doesNotMatch(await whoami(), /You are ann\./);
});

test("what the page asks for can be read by everyone", async (t) => {
  for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 360]]) {
    const page = await it.signedIn(t, "connect/notes", { colorScheme, reducedMotion: "reduce", viewport: { width, height: 900 } });
    await goOn(page).waitFor();
    assert.deepEqual(await violations(page), [], `${colorScheme} ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than the window");
    await shoot(page, `connect-${colorScheme}-${width}`);
  }
  const page = await it.signedIn(t, "connect/notes?scopes=read%20admin");
  await page.getByText("The link to this page asks for read, admin.").waitFor();
});

test("a person who says no at the authorization server is told so", async (t) => {
  const page = await it.signedIn(t, "connect/notes", { refused: [409] });
  await goOn(page).click();
  await say(page, "ann", "Cancel");
  await page.getByText("You are not signed in").waitFor();
  await page.getByRole("button", { name: "Begin again" }).click();
  await goOn(page).waitFor();
});

test("an answer that this tab did not ask for connects nothing", async (t) => {
  const page = await it.signedIn(t, "gateway", { refused: [409] });
  await page.goto("/oauth/callback?code=stolen&state=stolen");
  await page.getByText("This tab did not begin a sign-in at a server.").waitFor();
  // Not even in the middle of a sign-in of its own.
  await page.goto("/#/connect/notes");
  await page.reload();
  await goOn(page).click();
  await page.getByLabel("Name").waitFor();
  await page.goto("/oauth/callback?code=stolen&state=stolen");
  await page.getByText("You are not signed in").waitFor();
  const { data } = await it.api("GET", "v1/connections");
  assert.equal(data[0].state, "not_connected");
});

test("the command line connects, lists and disconnects", async (t) => {
  const page = await it.open(t, { refused: [404] });
  const command = it.begin(["mcp", "connect", "notes", "--no-browser"], { TOOLVAULT_API_KEY: it.own });
  const ended = once(command, "exit");
  let told = "";
  const address = new Promise((resolve, reject) => {
    command.stderr.on("data", (text) => {
      told += text;
      const found = told.match(/Open in a browser: (\S+)\n/);
      if (found) resolve(found[1]);
    });
    command.on("exit", () => reject(new Error(told)));
  });
  const url = await address;
  it.elsewhere.push(new URL(new URL(url).searchParams.get("redirect_uri")).origin);
  await page.goto(url);
  await say(page, "bob");
  await page.getByText("Toolvault has the answer.").waitFor();
  const [status] = await ended;
  assert.equal(status, 0, told);
  assert.match(await whoami(), /You are bob\./);
  const run = async (...args) => (await it.begin(args, { TOOLVAULT_API_KEY: it.own }).stdout.toArray()).join("");
  assert.match(await run("mcp", "connections"), /^notes\s+connected\s/m);
  assert.match(await run("mcp", "disconnect", "notes"), /^Signed out at notes\.$/m);
  assert.doesNotMatch(await whoami(), /You are bob\./);
  assert.match(await run("mcp", "connections"), /^notes\s+not signed in\b/m);
});
