// Signing in at an issuer: a real OpenID provider.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";

import { heading, row, signsOut, world } from "./world.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env.SCREENSHOTS_FOLDER;
let provider;
let issuer;

async function configure(url, folder) {
  const script = join(process.env.OIDC_FOLDER, "provider.mjs");
  const env = { ...process.env, TOOLVAULT_TEST_OIDC_ATTACHED: "1" };
  provider = spawn(process.execPath, [script, "0", `${url}/sign-in/corp`], { env, stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(provider.stdout, "data");
  const ready = JSON.parse(line);
  issuer = ready.issuer;
  it.elsewhere.push(issuer);
  const secret = join(folder, "client-secret");
  writeFileSync(secret, `${ready.dashboard.client_secret}\n`);
  return `
[auth.issuers.corp]
issuer = "${issuer}"
jwks_url = "${ready.jwks_url}"
allow_private_network = true
create_users = true
client_id = "${ready.dashboard.client_id}"
client_secret_file = "${secret}"
`;
}

const it = world(undefined, configure);
after(() => provider?.kill());

const button = (page) => page.getByRole("button", { name: "Sign in with corp" });

/** Leaves for the provider, and says who one is there. */
async function leave(page, name, act = "Continue") {
  await button(page).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: act }).click();
}

const signedIn = (page) => page.getByRole("navigation", { name: "Pages" }).waitFor();

test("a person signs in at the provider, and is back where they wanted to go", async (t) => {
  const page = await it.open(t, signsOut);
  const answers = answersTo(page);
  await page.goto("/#/keys");
  await leave(page, "alice");
  await signedIn(page);
  await heading(page, "Keys").waitFor();
  assert.equal(answers.length, 1, "only the provider's redirect has the code");
  const code = new URL(answers[0]).searchParams.get("code");
  const kept = await page.evaluate(() => [document.documentElement.outerHTML, location.href, JSON.stringify(history.state), JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join());
  assert.ok(!kept.includes(code), "the code is still there");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  const { data } = await it.api("GET", "v1/audit?action=session.started");
  assert.equal(data[0].actor, `jwt:${issuer} alice`);
  await page.reload();
  await heading(page, "Keys").waitFor();
  // The secrets of a person are their own.
  await it.secret("of the operator");
  await page.getByRole("link", { name: "Secrets" }).click();
  await heading(page, "Secrets").waitFor();
  assert.equal(await page.getByText("of the operator").count(), 0);
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in").waitFor();
});

test("a person who cancels at the provider is told so", async (t) => {
  const page = await it.open(t);
  await page.goto("/");
  await leave(page, "", "Cancel");
  await page.getByText("The identity provider did not sign you in (access_denied).").waitFor();
  await button(page).waitFor();
});

test("a disabled user is told so, and signed out in the middle of a session", async (t) => {
  const page = await it.open(t, { refused: [401, 403] });
  await page.goto("/");
  await leave(page, "bob");
  await signedIn(page);
  const { data } = await it.api("GET", "v1/users");
  const bob = data.find(({ name }) => name === "bob");
  await it.api("PATCH", `v1/users/${bob.user_id}`, { disabled: true });
  await page.goto("/#/keys");
  await page.getByText("Your session has ended").waitFor();
  // The provider still knows who he is, and does not ask again.
  await button(page).click();
  await page.getByText("You signed in, but you have no user here, or it is disabled.").waitFor();
});

/** Collects the addresses to which the provider sends the page. */
function answersTo(page) {
  const answers = [];
  page.on("request", (request) => request.url().includes("code=") && answers.push(request.url()));
  return answers;
}

test("an answer to the sign-in of another browser signs no one in", async (t) => {
  const attacker = await it.open(t, { refused: [401] });
  const answers = answersTo(attacker);
  // The code is not used up.
  await attacker.route("**/v1/session", (route) => route.fulfill({ status: 401, json: { detail: "kept" } }));
  await attacker.goto("/");
  await leave(attacker, "mallory");
  await attacker.getByText("The sign-in was not accepted").waitFor();
  const victim = await it.open(t, { refused: [401] });
  await victim.goto(answers[0]);
  await victim.getByText("This tab did not begin a sign-in.").waitFor();
  // Not even in the middle of a sign-in of their own.
  await victim.route(`${issuer}/auth*`, (route) => route.fulfill({ status: 200, body: "<h1>Provider</h1>", contentType: "text/html" }));
  await button(victim).click();
  await heading(victim, "Provider").waitFor();
  await victim.goto(answers[0]);
  await victim.getByText("The sign-in was not accepted, or took too long.").waitFor();
  assert.equal(await victim.evaluate(() => localStorage.length), 0);
});

test("an answer that is opened again signs no one in and no one out", async (t) => {
  const page = await it.open(t);
  const answers = answersTo(page);
  await page.goto("/");
  await leave(page, "carol");
  await signedIn(page);
  await page.goto(answers[0]);
  await page.getByText("This tab did not begin a sign-in.").waitFor();
  await heading(page, "Secrets").waitFor();
});

test("a provider that does not answer is no dead end", async (t) => {
  const page = await it.open(t, { refused: [503] });
  await page.route("**/v1/session/issuers", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 503, json: { detail: "The identity provider does not answer as it should." } }) : route.continue()));
  await page.goto("/");
  await button(page).click();
  await page.getByRole("alert").filter({ hasText: "The identity provider does not answer" }).waitFor();
  await page.getByLabel("API key").fill(it.own);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await signedIn(page);
});

/** `toolvault login` with a browser that opens nothing: `{ page, compared, ended }`. */
async function login() {
  const programs = join(it.folder, "programs");
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, "xdg-open"), "#!/bin/sh\n", { mode: 0o755 });
  const more = { PATH: `${programs}:${process.env.PATH}` };
  const command = it.begin(["login", "--with", "browser", "--no-keyring"], more);
  const ended = once(command, "exit");
  let told = "";
  let out = "";
  command.stdout.on("data", (text) => (out += text));
  while (!told.includes("shows: ") || !told.endsWith("\n")) told += (await once(command.stderr, "data"))[0];
  const page = told.match(/else open: (\S+)/)[1];
  const port = new URLSearchParams(page.split("?")[1]).get("port");
  it.elsewhere.push(`http://127.0.0.1:${port}`);
  return { page, compared: told.match(/shows: (\S+)/)[1], ended: async () => [(await ended)[0], out] };
}

test("a person approves a key for the command line, which ends it when they sign out there", async (t) => {
  const { page: address, compared, ended } = await login();
  const page = await it.open(t);
  await page.goto(address);
  await leave(page, "dora");
  await heading(page, "A key for your command line").waitFor();
  await page.getByText(compared, { exact: true }).waitFor();
  await page.getByText("A command line asks for an API key of dora.").waitFor();
  await page.getByLabel("Name of the key").fill("dora's laptop");
  await page.getByLabel("audit", { exact: true }).uncheck();
  await page.getByLabel("Expires").selectOption("In a day");
  await page.getByRole("button", { name: "Approve" }).click();
  await heading(page, "Approved").waitFor();
  assert.ok(!page.url().includes("code="), page.url());
  const [status, out] = await ended();
  assert.equal(status, 0, out);
  assert.match(out, /with the key dora's laptop \(manage\)/);
  await page.goto("/#/keys");
  await row(page, "dora's laptop").getByTitle("manage").waitFor();
  const { data } = await it.api("GET", "v1/audit?action=key.created");
  assert.deepEqual([data[0].actor, data[0].reason], [`jwt:${issuer} dora`, "login"]);
  assert.match(it.command("logout"), /Its key is revoked\./);
  const revoked = (await it.api("GET", "v1/audit?action=key.revoked")).data;
  assert.deepEqual([revoked[0].actor, revoked[0].subject], [`key:${data[0].subject}`, data[0].subject]);
});

test("a key that is not approved, or at a wrong address, is not made", async (t) => {
  const page = await it.signedIn(t, "keys");
  const before = (await it.api("GET", "v1/keys")).data.length;
  const challenge = "0123456789abcdef".repeat(4);
  for (const query of ["", "challenge=0", `challenge=${challenge.toUpperCase()}`, `challenge=${challenge}&port=x`, `challenge=${challenge}&port=1@evil.example`]) {
    await page.goto(`/#/approve?${query}`);
    await page.reload();
    await page.getByText("The address is not complete.").waitFor();
  }
  await page.goto(`/#/approve?challenge=${challenge}&name=x`);
  await page.reload();
  await page.getByRole("button", { name: "Cancel" }).click();
  await heading(page, "Secrets").waitFor();
  await page.goto(`/#/approve?challenge=${challenge}&name=x`);
  await page.getByRole("button", { name: "Approve" }).click();
  // The browser is on another machine: the code is typed there.
  const code = page.getByLabel("Code, for the next two minutes");
  assert.match(await code.innerText(), /^[\w-]{300,}$/);
  assert.equal((await it.api("GET", "v1/keys")).data.length, before);
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing on the page that approves a key, ${colorScheme}, ${width} wide`, async (t) => {
      const page = await it.signedIn(t, `approve?challenge=${"0123456789abcdef".repeat(4)}&name=command+line+on+laptop`, { colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
      await heading(page, "A key for your command line").waitFor();
      for (const step of ["asks", "code"]) {
        if (SHOTS) await page.screenshot({ path: join(SHOTS, `approve-${step}-${colorScheme}-${width}.png`), fullPage: true });
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document));
        assert.deepEqual(violations.map(({ id }) => id), []);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        if (step === "code") break;
        await page.getByRole("button", { name: "Approve" }).click();
        await page.getByText("Paste this only into the terminal").waitFor();
      }
    });
  }
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing on the sign-in page, ${colorScheme}, ${width} wide`, async (t) => {
      const page = await it.open(t, { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" });
      await page.goto("/");
      await button(page).waitFor();
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `sign-in-${colorScheme}-${width}.png`) });
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map(({ id }) => id), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    });
  }
}
