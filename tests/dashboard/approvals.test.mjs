// Calls that wait for a person: they are read, decided, and go on; and what was allowed is revoked.

import assert from "node:assert/strict";
import { test } from "node:test";

import { focused, row, violations, world } from "./world.mjs";

let secret;

const it = world(
  async () => {
    secret = await it.secret("issues-token", { tool_name: "asking__*", tool_arg: "api_token", is_default_for_tool: true });
  },
  () => `
[gateway.servers.asking]
command = ["python3", "${process.env.EXAMPLES_FOLDER}/issues.py"]
credential_arguments = ["api_token"]
approval = { "*" = "always" }
`,
);

/** Begins a call of the agent, which waits; `answer` is its result. */
async function call(issue, more = {}) {
  const ask = await it.session("asking");
  const answer = ask("tools/call", { name: "get_issue", arguments: { issue_id: issue, ...more } });
  return { answer };
}

/** The card of a call. */
const card = (page, text) => page.locator("section.card").filter({ hasText: text });

const screenshot = async (page, name) => {
  const folder = process.env.SCREENSHOTS_FOLDER;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

test("a call waits, is allowed once, and goes on", async (t) => {
  const page = await it.signedIn(t, "approvals");
  await page.getByText("No call waits for you").waitFor();
  await screenshot(page, "approvals-empty");
  const { answer } = await call("ENG-1");
  const one = card(page, "ENG-1");
  await one.waitFor();
  await page.getByRole("link", { name: "Approvals 1 waiting" }).waitFor();
  assert.match(await one.innerText(), /The configuration of the server, for each call/);
  await one.getByRole("button", { name: "Allow once" }).click();
  await one.getByText("Allowed once", { exact: true }).waitFor();
  assert.match(await answer, /ENG-1 was asked for with \[secret:issues-token\]/);
  await page.getByRole("link", { name: "Approvals", exact: true }).waitFor();
  // It was used up: the same call asks again.
  const again = await call("ENG-1");
  await page.getByText("Another call waits.").waitFor();
  await page.getByRole("button", { name: "Show" }).click();
  await card(page, "ENG-1").getByRole("button", { name: "Refuse" }).click();
  await page.getByText("The agent is told so.").waitFor();
  assert.match(await again.answer, /"isError":true/);
});

test("a call that comes later does not move the one that is read", async (t) => {
  const first = await call("ENG-10");
  const page = await it.signedIn(t, "approvals");
  const button = card(page, "ENG-10").getByRole("button", { name: "Refuse" });
  await button.waitFor();
  const before = await button.boundingBox();
  const second = await call("ENG-11");
  await page.getByText("Another call waits.").waitFor();
  assert.equal(await card(page, "ENG-11").count(), 0);
  const after = await button.boundingBox();
  assert.deepEqual(after, before);
  await button.click();
  assert.match(await first.answer, /"isError":true/);
  await page.getByRole("button", { name: "Show" }).click();
  await card(page, "ENG-11").getByRole("button", { name: "Refuse" }).click();
  await second.answer;
});

test("the arguments are shown as they are sent", async (t) => {
  const body = "a\u202eb\u{e0041}";
  const { answer } = await call(body);
  const page = await it.signedIn(t, "approvals");
  const shown = page.getByRole("region", { name: "Arguments" });
  await shown.waitFor();
  assert.equal(await shown.innerText(), '{\n  "issue_id": "a⟨U+202E⟩b⟨U+E0041⟩"\n}');
  await card(page, "get_issue").getByRole("button", { name: "Refuse" }).click();
  await answer;
});

test("a browser that rounds numbers offers no decision", async (t) => {
  const { answer } = await call("ENG-15");
  const old = await it.open(t);
  await old.addInitScript(() => delete JSON.rawJSON);
  await old.goto("/#/approvals");
  await old.getByLabel("API key").fill(it.own);
  await old.getByRole("button", { name: "Sign in", exact: true }).click();
  await card(old, "ENG-15").getByText("This browser is too old to decide").waitFor();
  assert.equal(await old.getByRole("button", { name: /Allow|Refuse/ }).count(), 0);
  const page = await it.signedIn(t, "approvals");
  await card(page, "ENG-15").getByRole("button", { name: "Refuse" }).click();
  await answer;
});

test("what is allowed always with the same arguments asks no more, until it is revoked", async (t) => {
  const { answer } = await call("ENG-20");
  const page = await it.signedIn(t, "approvals");
  await card(page, "ENG-20").getByRole("button", { name: "Always allow" }).click();
  assert.match(await answer, /ENG-20 was asked for/);
  assert.match(await (await call("ENG-20")).answer, /ENG-20 was asked for/);
  const other = await call("ENG-21");
  await page.getByRole("button", { name: "Show" }).click();
  await card(page, "ENG-21").getByRole("button", { name: "Refuse" }).click();
  assert.match(await other.answer, /"isError":true/);
  const standing = row(page.getByRole("table", { name: "Allowed" }), "get_issue");
  assert.match(await standing.innerText(), /Each call, these arguments/);
  await standing.getByRole("link", { name: "get_issue" }).click();
  await focused(page, "Approval");
  await page.getByText(/^Decided/).waitFor();
  assert.match(await page.getByRole("region", { name: "Arguments" }).innerText(), /ENG-20/);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The approval is revoked.").waitFor();
  await focused(page, "Approvals");
  const again = await call("ENG-20");
  await card(page, "ENG-20").getByRole("button", { name: "Refuse" }).click();
  assert.match(await again.answer, /"isError":true/);
});

test("a link leads to one call, also with the keyboard", async (t) => {
  const { answer } = await call("ENG-30");
  const page = await it.signedIn(t, "approvals");
  await card(page, "ENG-30").waitFor();
  const { data } = await it.api("GET", "v1/approvals");
  const { approval_id: id } = data.find(({ state }) => state === "pending");
  await page.goto(`/#/approvals/${id}`);
  await focused(page, "Approval");
  const allow = page.getByRole("button", { name: "Allow once" });
  await allow.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Allowed once", { exact: true }).waitFor();
  assert.match(await answer, /ENG-30 was asked for/);
  await page.reload();
  await page.getByText("Used", { exact: true }).waitFor();
  const other = await it.signedIn(t, "approvals/01a2252d-fdbf-7f8a-a17f-bce330a8a516", { refused: [404] });
  await other.getByText("There is no such call").waitFor();
});

test("axe finds nothing while a call waits, on any screen", async (t) => {
  const { answer } = await call("ENG-40", { });
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
      const page = await it.signedIn(t, "approvals", { colorScheme, viewport, reducedMotion: "reduce" });
      await card(page, "ENG-40").waitFor();
      await page.getByRole("link", { name: "Approvals 1 waiting" }).waitFor();
      assert.deepEqual(await violations(page), [], `${colorScheme}, ${viewport.width}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} px too wide`);
      await screenshot(page, `approvals-${colorScheme}-${viewport.width}`);
    }
  }
  const page = await it.signedIn(t, "approvals");
  await card(page, "ENG-40").getByRole("button", { name: "Allow for an hour" }).click();
  await answer;
  assert.match(await (await call("ENG-41")).answer, /ENG-41 was asked for/);
  await row(page, "Each call, any arguments").waitFor();
  await screenshot(page, "approvals-standing");
  await page.getByRole("button", { name: "Revoke get_issue" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The approval is revoked.").waitFor();
});

test("the policy of a secret asks for a person, and makes it a canary", async (t) => {
  const page = await it.signedIn(t, `secrets/${secret.secret_id}`);
  await page.getByText("No person is asked").waitFor();
  await page.getByRole("button", { name: "Change the policy" }).click();
  await page.getByLabel("Ask a person before a call").selectOption("writes");
  await page.getByLabel("Canary").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The policy is changed.").waitFor();
  await page.getByText("For each call of a tool that is not read-only").waitFor();
  await page.getByText("An attempt to use it sets off an alarm").waitFor();
  const policy = await it.api("GET", `v1/secrets/${secret.secret_id}/policy`);
  assert.deepEqual([policy.approval, policy.canary], ["writes", true]);
  await it.api("PUT", `v1/secrets/${secret.secret_id}/policy`, {});
});

test("who cannot decide has no such page, and asks for nothing", async (t) => {
  const key = await it.key(["use"]);
  const page = await it.open(t);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto("/#/gateway");
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("list", { name: "Tools of issues" }).waitFor();
  assert.equal(await page.getByRole("link", { name: /Approvals/ }).count(), 0);
  assert.ok(!asked.includes("/v1/approvals"));
});
