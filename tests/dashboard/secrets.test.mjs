// The pages of secrets, as a person uses them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { assertNowhere, focused, heading, row, world } from "./world.mjs";

const it = world();
const VALUE = "lin_api_a-value-that-is-not-shown-again";

const button = (page, name) => page.getByRole("button", { name, exact: true });
const saved = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();

test("an empty vault teaches how to store the first secret", async (t) => {
  const page = await it.signedIn(t);
  await page.getByRole("heading", { name: "Store your first secret" }).waitFor();
  const snippet = async (name) => {
    await button(page, name).click();
    return page.getByRole("figure").locator("pre").innerText();
  };
  const env = { ...process.env, TOOLVAULT_API_KEY: it.own };
  execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], { input: await snippet("Python") });
  const value = "a value 'from' \"a\" \\snippet $HOME";
  execFileSync("bash", ["-c", await snippet("curl")], { input: `${value}\n`, env });
  const { args } = await it.api("POST", "v1/tools/linear__get_issue/resolve", {});
  assert.equal(args.api_token, value);
});

test("a secret is created with completion and a preview, and its value is gone from the page", async (t) => {
  const page = await it.signedIn(t, "secrets/new");
  await page.getByLabel("Name").fill("issues-prod");
  await page.getByLabel("Value").fill(VALUE);
  await page.getByLabel("Tool pattern").fill("issu");
  await page.getByRole("option", { name: /issues__\*/ }).click();
  await page.getByLabel("Argument").press("ArrowDown");
  await page.getByRole("option", { name: /api_token.*nothing serves it/ }).waitFor();
  await page.getByLabel("Argument").press("Enter");
  assert.equal(await page.getByLabel("Argument").inputValue(), "api_token");
  await page.getByText("1 known tool matches issues__*").waitFor();
  await page.getByRole("listitem").filter({ hasText: "issues__get_issue" }).getByText("Wins").waitFor();
  await button(page, "Store the secret").click();
  await heading(page, "issues-prod").waitFor();
  await saved(page, "The secret is stored");
  await assertNowhere(page, VALUE);
  await assertNowhere(page, VALUE.slice(4, -4));
});

test("a value that is too short is refused before it is sent", async (t) => {
  const page = await it.signedIn(t, "secrets/new");
  await page.getByLabel("Name").fill("short");
  await page.getByLabel("Value").fill("abc");
  await button(page, "Store the secret").click();
  await page.getByText("A value has at least 4 characters").waitFor();
});

test("a value of many lines and kilobytes is stored as it is", async (t) => {
  const page = await it.signedIn(t, "secrets/new");
  const value = `-----BEGIN-----\n${"key material\n".repeat(300)}-----END-----\n`;
  await page.getByLabel("Name").fill("long");
  await page.getByLabel("Value").fill(value);
  await page.getByLabel("Tool pattern").fill("long__tool");
  await page.getByLabel("Argument").fill("pem");
  await button(page, "Store the secret").click();
  await heading(page, "long").waitFor();
  const { args } = await it.api("POST", "v1/tools/long__tool/resolve", {});
  assert.equal(args.pem, value);
  await assertNowhere(page, "key material");
});

test("a default that would take precedence over another one is announced", async (t) => {
  await it.secret("general", { tool_name: "shadow__*", tool_arg: "token", is_default_for_tool: true });
  const page = await it.signedIn(t, "secrets/new");
  await page.getByLabel("Name").fill("special");
  await page.getByLabel("Value").fill("another value");
  await page.getByLabel("Tool pattern").fill("shadow__tool");
  await page.getByLabel("Argument").fill("token");
  await page.getByText("Another secret serves this argument now").waitFor();
  await button(page, "Store the secret").click();
  const asked = page.getByRole("dialog", { name: "It takes precedence over another secret" });
  await asked.getByText("general").waitFor();
  await asked.getByRole("button", { name: "Store it" }).click();
  await heading(page, "special").waitFor();
});

test("a broad pattern warns that the gateway does not apply it", async (t) => {
  const page = await it.signedIn(t, "secrets/new");
  await page.getByLabel("Tool pattern").fill("*");
  await page.getByLabel("Argument").fill("api_token");
  await page.getByText("Too broad for the gateway").waitFor();
});

test("name, binding and flag are changed, and the value stays", async (t) => {
  const { secret_id: id, display } = await it.secret("before", { tool_name: "edit__*", tool_arg: "one" });
  const page = await it.signedIn(t, `secrets/${id}`);
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Name").fill("after");
  await page.getByLabel("Tool pattern").fill("");
  await page.getByLabel("Argument").fill("two");
  await button(page, "Save").click();
  await heading(page, "after").waitFor();
  const changed = await it.api("GET", `v1/secrets/${id}`);
  assert.deepEqual([changed.secret_name, changed.tool_name, changed.tool_arg, changed.display], ["after", null, "two", display]);
});

test("a change that another made meanwhile is not overwritten", async (t) => {
  const { secret_id: id } = await it.secret("contested");
  const page = await it.signedIn(t, `secrets/${id}/edit`, { refused: [412] });
  await page.getByLabel("Name").fill("mine");
  await it.api("PATCH", `v1/secrets/${id}`, { secret_name: "theirs" });
  await button(page, "Save").click();
  await page.getByRole("alert").filter({ hasText: "changed elsewhere" }).waitFor();
  assert.equal((await it.api("GET", `v1/secrets/${id}`)).secret_name, "theirs");
});

test("a value is replaced and an old one restored, without seeing either", async (t) => {
  const { secret_id: id } = await it.secret("rotated", { tool_name: "rotate__tool", tool_arg: "key", is_default_for_tool: true });
  const page = await it.signedIn(t, `secrets/${id}`);
  await button(page, "Replace the value").click();
  await page.getByLabel("New value").fill(VALUE);
  await button(page, "Replace").click();
  await saved(page, "The new value is stored");
  await assertNowhere(page, VALUE);
  const resolved = async () => (await it.api("POST", "v1/tools/rotate__tool/resolve", {})).args.key;
  assert.equal(await resolved(), VALUE);
  await button(page, "Restore version 1").click();
  await button(page, "Restore").click();
  await saved(page, "Version 1 is the newest version again");
  assert.equal(await resolved(), "value of rotated, long enough");
  await row(page.getByRole("table", { name: "Versions" }), "Current").getByRole("rowheader", { name: "3" }).waitFor();
  await button(page, "Erase version 1").click();
  await button(page, "Erase").click();
  await saved(page, "Version 1 is erased");
  assert.deepEqual((await it.api("GET", `v1/secrets/${id}/versions`)).data.map(({ version }) => version), [3, 2]);
});

test("a policy is set, and what is due or expired is in the list", async (t) => {
  const { secret_id: id } = await it.secret("governed", { tool_name: "governed__*", tool_arg: "token" });
  const page = await it.signedIn(t, `secrets/${id}`);
  await button(page, "Change the policy").click();
  await page.getByLabel("Rotate after").fill("30");
  await page.getByLabel("Expires").fill("2020-01-01T00:00");
  await page.getByLabel("Only if other arguments match").fill("base_url = https://api.github.com/*");
  await page.getByLabel("Protected").check();
  await button(page, "Save").click();
  await saved(page, "The policy is changed");
  const policy = await it.api("GET", `v1/secrets/${id}/policy`);
  assert.deepEqual([policy.rotate_after_days, policy.protected, policy.when], [30, true, { base_url: ["https://api.github.com/*"] }]);
  await page.getByRole("link", { name: "Secrets" }).first().click();
  await page.getByLabel("Show").selectOption("Due or expired");
  const listed = row(page, "governed");
  await listed.getByText("Expired").waitFor();
  await listed.getByText("Protected").waitFor();
});

test("deleting asks for the name and says what uses the secret", async (t) => {
  const { secret_id: id } = await it.secret("doomed", { tool_name: "doomed__tool", tool_arg: "token", is_default_for_tool: true });
  await it.api("POST", "v1/tools/doomed__tool/resolve", {});
  const page = await it.signedIn(t, `secrets/${id}`);
  await button(page, "Delete").click();
  const dialog = page.getByRole("dialog", { name: "Delete the secret" });
  await dialog.getByText("doomed__tool").first().waitFor();
  const confirm = dialog.getByRole("button", { name: "Delete" });
  assert.ok(await confirm.isDisabled());
  await dialog.getByLabel("Type doomed to confirm").fill("doomed");
  await confirm.click();
  await heading(page, "Secrets").waitFor();
  await saved(page, "The secret is deleted");
  await row(page, "doomed").waitFor({ state: "detached" });
});

test("the list says which version each secret has, and which key used it last", async (t) => {
  const { secret_id: id } = await it.secret("followed", { tool_name: "follow__tool", tool_arg: "key", is_default_for_tool: true });
  await it.api("PUT", `v1/secrets/${id}/value`, { secret_value: VALUE });
  const runtime = await it.api("POST", "v1/keys", { name: "nightly runtime", scopes: ["resolve"] });
  await it.api("POST", "v1/tools/follow__tool/resolve", {}, runtime.key);
  const page = await it.signedIn(t, "secrets", { viewport: { width: 1600, height: 900 } });
  const cells = () => row(page, "followed").getByRole("cell");
  await row(page, "followed").getByText("by nightly runtime").waitFor();
  assert.ok((await cells().allInnerTexts()).includes("2"));
  await page.goto(`/#/secrets/${id}`);
  await page.getByText("for follow__tool by nightly runtime").waitFor();
  // A key that may not list keys shows the key by its ID.
  const limited = await it.signedIn(t, "secrets", { key: await it.key(["manage"], { tools: ["follow__*"] }) });
  await row(limited, "followed").getByText(`by key ${runtime.key_id}`).waitFor();
});

test("the list is searched, filtered by tool, and sorted", async (t) => {
  await it.secret("find-me", { tool_name: "needle__*", tool_arg: "token" });
  const page = await it.signedIn(t);
  const names = () => page.getByRole("table", { name: "Secrets" }).getByRole("rowheader").getByRole("link").allInnerTexts();
  await page.getByLabel("Search", { exact: true }).fill("FIND");
  await page.getByText("1 of").waitFor();
  assert.deepEqual(await names(), ["find-me"]);
  await page.getByLabel("Search", { exact: true }).fill("");
  await page.getByLabel("Reaches the tool").fill("needle__anything");
  await page.getByText("1 of").waitFor();
  assert.deepEqual(await names(), ["find-me"]);
  await page.getByLabel("Reaches the tool").fill("");
  await button(page, "Name").click();
  const sorted = await names();
  assert.deepEqual(sorted, [...sorted].sort());
});

test("the keyboard alone finds a secret and opens it", async (t) => {
  await it.secret("by-keyboard");
  const page = await it.signedIn(t);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("by-keyb");
  await page.getByRole("option", { name: "by-keyboard" }).waitFor();
  await page.keyboard.press("Enter");
  await focused(page, "by-keyboard");
});

test("nothing is called unused while the uses are not known", async (t) => {
  const { secret_id: id } = await it.secret("perhaps-used");
  const page = await it.signedIn(t, "keys", { refused: [503] });
  const unused = page.getByText("Unused", { exact: true });
  let answer = { status: 503 };
  await page.route("**/v1/uses", (route) => route.fulfill(answer));
  await page.goto("/#/secrets");
  await page.getByRole("alert").filter({ hasText: "The uses could not be loaded" }).waitFor();
  await row(page, "perhaps-used").waitFor();
  assert.equal(await unused.count(), 0);
  assert.equal(await page.getByRole("option", { name: /Not used/ }).count(), 0);
  await page.goto(`/#/secrets/${id}`);
  await page.getByRole("alert").filter({ hasText: "The uses could not be loaded" }).waitFor();
  await button(page, "Delete").click();
  await page.getByText("This cannot be undone").waitFor();
  assert.equal(await page.getByText(/Not used/).count(), 0);
  await page.keyboard.press("Escape");

  // Only a part of the trail was read.
  const since = new Date(Date.now() - 86_400_000);
  answer = { json: { data: [], since: since.toISOString() } };
  await page.goto("/#/secrets");
  const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" }).format(since);
  await row(page, "perhaps-used").getByText(`Not since ${day}`).waitFor();
  assert.equal(await unused.count(), 0);
  await page.getByLabel("Show").selectOption(`Not used since ${day}`);
  await row(page, "perhaps-used").waitFor();

  const key = await it.key(["manage"], { tools: ["perhaps__*"] });
  await it.secret("limited", { tool_name: "perhaps__tool" });
  const limited = await it.signedIn(t, "", { key });
  const [uses] = await Promise.all([limited.waitForResponse("**/v1/uses"), limited.reload()]);
  await uses.finished();
  await row(limited, "limited").waitFor();
  await limited.waitForLoadState("networkidle");
  assert.equal(await limited.getByText("Unused", { exact: true }).count(), 0);
});

test("a list from which a secret is deleted between two pages is read again", async (t) => {
  const page = await it.signedIn(t, "keys");
  const made = (index) => ({ ...secret, secret_id: `id-${index}`, secret_name: `made-${String(index).padStart(4, "0")}` });
  const secret = (await it.api("GET", "v1/secrets/?limit=1")).data[0];
  let all = Array.from({ length: 1002 }, (_, index) => made(index));
  await page.route("**/v1/secrets/?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    const offset = Number(query.get("offset"));
    route.fulfill({ json: { data: all.slice(offset, offset + 1000), total: all.length, limit: 1000, offset } });
    all = all.filter(({ secret_id: id }) => id !== "id-5");
  });
  await page.goto("/#/secrets");
  await page.getByText("1,001 secrets", { exact: true }).waitFor();
  await page.getByLabel("Search", { exact: true }).fill("made-1000");
  await row(page, "made-1000").waitFor();
});

test("a long value that could not be stored says that its secret stayed", async (t) => {
  const page = await it.signedIn(t, "secrets/new", { refused: [507, 503] });
  await page.route("**/v1/secrets/*/value", (route) => route.fulfill({ status: 507, json: { detail: "There is no space." } }));
  await page.route(/v1\/secrets\/[^/]+$/, (route) => (route.request().method() === "DELETE" ? route.fulfill({ status: 503 }) : route.continue()));
  await page.getByLabel("Name").fill("half-made");
  await page.getByLabel("Value").fill("x".repeat(2000));
  await button(page, "Store the secret").click();
  await page.getByRole("alert").filter({ hasText: "There is no space. The secret was stored but is incomplete" }).waitFor();
});

test("it is asked before another secret is shadowed, also if the preview is late or fails", async (t) => {
  await it.secret("served-now", { tool_name: "late__*", tool_arg: "token", is_default_for_tool: true });
  const page = await it.signedIn(t, "secrets/new", { refused: [503] });
  let isFailing = false;
  await page.route("**/v1/explain", (route) => (isFailing ? route.fulfill({ status: 503 }) : route.continue()));
  const fill = async (name) => {
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Value").fill("another value");
    await page.getByLabel("Argument").fill("token");
    await page.getByLabel("Tool pattern").fill("late__tool");
    // At once, before the preview of this pattern.
    await page.getByLabel("Tool pattern").press("Enter");
  };
  await fill("too-early");
  await page.getByRole("dialog", { name: "It takes precedence over another secret" }).getByText("served-now").waitFor();
  await button(page, "Cancel").last().click();
  isFailing = true;
  await fill("not-known");
  const asked = page.getByRole("dialog", { name: "It may take precedence over another secret" });
  await asked.getByText("could not be found out").waitFor();
  assert.deepEqual((await it.api("GET", "v1/secrets/?limit=100")).data.filter(({ tool_name: tool }) => tool === "late__tool"), []);
  await asked.getByRole("button", { name: "Store it" }).click();
  await heading(page, "not-known").waitFor();
});

test("a policy keeps what was not touched, and what another changed", async (t) => {
  const { secret_id: id } = await it.secret("careful", { tool_name: "careful__*", tool_arg: "token" });
  const path = `v1/secrets/${id}/policy`;
  const policy = {
    expires_at: "2040-05-06T07:08:09.123456Z",
    rotate_after_days: null,
    when: JSON.parse('{"__proto__": ["one"], "a=b": ["two"], "constructor": ["three", "four"]}'),
    protected: false,
    redact: true,
  };
  const stored = await it.api("PUT", path, policy);
  const page = await it.signedIn(t, `secrets/${id}`, { refused: [412] });
  const open = () => button(page, "Change the policy").click();
  await open();
  await page.getByLabel("Rotate after").fill("30");
  await button(page, "Save").click();
  await saved(page, "The policy is changed");
  assert.deepEqual(await it.api("GET", path), { ...stored, rotate_after_days: 30 });
  await page.getByText("Due after 30 days").waitFor();
  await open();
  const conditions = page.getByLabel("Only if other arguments match");
  await conditions.fill(`${await conditions.inputValue()}\ntoString = five`);
  await button(page, "Save").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByText("toString = five").waitFor();
  const { when } = await it.api("GET", path);
  assert.deepEqual(Object.entries(when).sort(), [...Object.entries(policy.when), ["toString", ["five"]]].sort());
  await open();
  await page.getByLabel("Rotate after").fill("60");
  // Another changes it at the last moment.
  await page.route(`**/${path}`, async (route) => {
    if (route.request().method() === "PUT") await it.api("PUT", path, { ...policy, protected: true });
    await route.continue();
  });
  await button(page, "Save").click();
  await page.getByRole("alert").filter({ hasText: "changed elsewhere" }).waitFor();
  assert.deepEqual(await it.api("GET", path), { ...stored, protected: true });
  await button(page, "Cancel").click();
  await page.getByText("Yes: only its value can be replaced").waitFor();
});
