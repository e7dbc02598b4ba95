// What tools receive: the pages Try it, Gateway, Audit and Usage, with a real server behind the gateway.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { heading, row, world } from "./world.mjs";

const it = world();
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** A call of the tool, as an agent makes it. */
async function call() {
  const ask = await it.session("issues");
  return ask("tools/call", { name: "get_issue", arguments: { issue_id: "ENG-42" } });
}

test("the gateway's page leads from what is missing to a call that works", async (t) => {
  const page = await it.signedIn(t, "gateway");
  const tool = page.getByRole("list", { name: "Tools of issues" }).getByRole("listitem").filter({ hasText: "get_issue" });
  await tool.locator("del", { hasText: "api_token" }).waitFor();
  assert.equal(await tool.locator("del", { hasText: "issue_id" }).count(), 0);
  await page.getByText("1 tool lacks a secret").waitFor();
  await button(page, "Connect a client").click();
  assert.match(await page.getByRole("figure", { name: "" }).first().innerText(), /mcpServers/);
  await page.getByRole("link", { name: "Set api_token" }).click();
  assert.equal(await page.getByLabel("Tool pattern").inputValue(), "issues__*");
  assert.equal(await page.getByLabel("Argument").inputValue(), "api_token");
  await page.getByLabel("Value").fill("a token for the tool of issues");
  await button(page, "Store the secret").click();
  await heading(page, "issues-api_token").waitFor();
  const answer = await call();
  assert.match(answer, /ENG-42 was asked for with \[secret:issues-api_token\]/);
  await page.getByRole("link", { name: "Gateway" }).click();
  await page.getByRole("table", { name: "Recent calls" }).getByText("Done").waitFor();
  assert.equal(await page.getByRole("link", { name: "Set api_token" }).count(), 0);
});

test("a call is tried, on both paths, without values", async (t) => {
  await it.secret("never-used", { tool_name: "issues__get_issue", tool_arg: "other", is_default_for_tool: true });
  const page = await it.signedIn(t, "try");
  await page.getByLabel("Tool").fill("get_is");
  await page.getByRole("option", { name: /issues__get_issue/ }).click();
  await button(page, "Explain").click();
  await page.getByText("A runtime that resolves").waitFor();
  await page.getByText("Calls the server issues for an agent").waitFor();
  assert.equal(await page.getByText("Gets the default").count() >= 2, true);
  await page.getByRole("link", { name: "issues-api_token" }).first().waitFor();
  assert.match(page.url(), /#\/try\?tool=issues__get_issue$/);
});

test("another address of the same page shows what it names", async (t) => {
  const page = await it.signedIn(t, "try?tool=first__tool");
  const go = (to) => page.evaluate((hash) => (location.hash = hash), `#/${to}`);
  const shows = (label, value) => page.waitForFunction(([name, wanted]) => [...document.querySelectorAll("label")].some((one) => one.textContent === name && one.control?.value === wanted), [label, value]);
  await shows("Tool", "first__tool");
  await go("try?tool=second__tool");
  await shows("Tool", "second__tool");
  await go("secrets/new?tool=first__*&argument=a");
  await shows("Tool pattern", "first__*");
  await go("secrets/new?tool=second__*&argument=a");
  await shows("Tool pattern", "second__*");
  for (let time = 0; time < 2; time += 1) {
    await go("keys?new=");
    await page.getByRole("dialog", { name: "New key" }).waitFor();
    await button(page, "Cancel").click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
});

test("the trail names keys as the page of keys does", async (t) => {
  const key = await it.key(["manage"], { name: "a key with a name" });
  await it.api("POST", "v1/secrets/", { secret_name: "by-a-key", secret_value: "long enough, too" }, key);
  const page = await it.signedIn(t, "audit");
  const created = row(page, "by-a-key");
  await created.getByText("a key with a name").waitFor();
  await created.getByText(`key ${key.slice(4, 12)}`).waitFor();
});

test("arguments that are not JSON are refused with what to do", async (t) => {
  const page = await it.signedIn(t, "try");
  await page.getByLabel("Tool").fill("some__tool");
  await page.getByText("Arguments that the model sends").click();
  await page.getByLabel("Arguments", { exact: true }).fill("{nothing");
  await button(page, "Explain").click();
  await page.getByRole("alert").filter({ hasText: "not JSON" }).waitFor();
});

test("the trail is filtered, followed live and exported", async (t) => {
  const page = await it.signedIn(t, "audit");
  await page.getByLabel("Action").selectOption("secret.used");
  const table = page.getByRole("table", { name: "Audit records" });
  await row(table, "issues-api_token").first().waitFor();
  await row(table, "secret.created").first().waitFor({ state: "detached" });
  await page.getByLabel("Follow").check();
  const before_ = await table.getByRole("row").count();
  await call();
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length >= count, before_);
  const exported = async (format) => {
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, format).click()]);
    return readFileSync(await download.path(), "utf8");
  };
  const records = JSON.parse(await exported("JSON"));
  assert.ok(records.length >= 2 && records.every(({ action }) => action === "secret.used"));
  const [head, ...lines] = (await exported("CSV")).split("\r\n");
  assert.match(head, /^"sequence","at"/);
  assert.ok(lines.length >= records.length);
  await page.getByLabel("Tool").fill("no__such");
  await page.getByText("No record fits").waitFor();
});

test("usage shows the quota, the uses and what is not used", async (t) => {
  const page = await it.signedIn(t, "usage");
  await page.getByText(/of 10,000/).waitFor();
  await page.getByRole("img", { name: /Uses on each of the last 30 days/ }).waitFor();
  await page.getByRole("link", { name: "issues-api_token" }).first().waitFor();
  await page.getByRole("link", { name: "issues__get_issue" }).waitFor();
  await page.getByRole("link", { name: "never-used" }).first().waitFor();
});

test("the filter of the trail has every action", async (t) => {
  const source = readFileSync(`${process.env.EXAMPLES_FOLDER}/../crates/core/src/audit/record.rs`, "utf8");
  const actions = [...source.matchAll(/^    \w+ = "([\w.]+)",$/gm)].map(([, name]) => name);
  assert.ok(actions.includes("secret.used"));
  const page = await it.signedIn(t, "audit");
  const offered = await page.getByLabel("Action").evaluate((select) => [...select.options].map(({ value }) => value));
  assert.deepEqual(offered.sort(), ["", ...actions].sort());
});

test("an answer for an earlier tool does not appear under a later one", async (t) => {
  const page = await it.signedIn(t, "try");
  // The server does not answer for it.
  await page.route("**/v1/tools/earlier__tool/explain", () => {});
  await page.getByLabel("Tool").fill("earlier__tool");
  await Promise.all([page.waitForRequest("**/earlier__tool/explain"), button(page, "Explain").click()]);
  await Promise.all([page.waitForEvent("requestfailed"), page.getByLabel("Tool").fill("later__tool")]);
  await button(page, "Explain").click();
  await page.locator("section").filter({ hasText: "A runtime that resolves" }).getByText("later__tool").waitFor();
  assert.equal(await page.getByText("earlier__tool").count(), 0);
  assert.match(page.url(), /#\/try\?tool=later__tool$/);
});
