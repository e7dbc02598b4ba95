// Signing in and out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertNowhere, heading, signIn, signsOut, world } from "./world.mjs";

const it = world();
const link = () => it.command("open").match(/#\/sign-in\/\S+/)[0];

test("a key opens the dashboard, and is kept nowhere", async (t) => {
  const page = await it.open(t);
  await page.goto("/");
  await heading(page, "Sign in").waitFor();
  await signIn(page, it.own);
  await heading(page, "Secrets").waitFor();
  await assertNowhere(page, it.own);
  await page.reload();
  await heading(page, "Secrets").waitFor();
});

test("a wrong key is refused and says why", async (t) => {
  const page = await it.open(t, { refused: [401] });
  await page.goto("/");
  await page.getByLabel("API key").fill("tvk_nothing");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "This key is not valid" }).waitFor();
});

test("a link signs in once, and leaves no trace in the address", async (t) => {
  const page = await it.open(t, signsOut);
  const once = link();
  await page.goto(`/${once}`);
  await heading(page, "Secrets").waitFor();
  await assertNowhere(page, once.split("/").pop());
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in").waitFor();
  await page.goto(`/${once}`);
  await page.getByText("This link was used already or has expired").waitFor();
});

test("a session that the server ended leads to the sign-in page, and back to where one was", async (t) => {
  const key = await it.key(["manage"]);
  const page = await it.signedIn(t, "keys", { key, refused: [401] });
  await heading(page, "Keys").waitFor();
  await it.api("DELETE", `v1/keys/${key.slice(4, 12)}`);
  // Not by the link: a request that the page sent before may end the session first.
  await page.goto("/#/usage");
  await page.getByText("Your session has ended").waitFor();
  await signIn(page, it.own);
  await heading(page, "Usage").waitFor();
});

test("signing out in one tab signs out the other", async (t) => {
  const first = await it.signedIn(t, "", signsOut);
  const second = await it.open(t, { context: first.context(), ...signsOut });
  await second.goto("/#/keys");
  await heading(second, "Keys").waitFor();
  await first.getByRole("button", { name: "Sign out" }).click();
  await heading(first, "Sign in").waitFor();
  await heading(second, "Sign in").waitFor();
  await second.getByText("You signed out in another tab").waitFor();
});

test("a page that is left alone signs out", async (t) => {
  const page = await it.open(t, signsOut);
  await page.clock.install();
  await page.goto("/");
  await signIn(page, it.own);
  await heading(page, "Secrets").waitFor();
  const again = page.waitForEvent("load");
  await page.clock.fastForward("00:31:00");
  await again;
  await page.getByText("You were signed out because nothing happened").waitFor();
});

test("a key sees only the pages that its scopes allow", async (t) => {
  const expected = {
    manage: ["Secrets", "Keys", "Approvals", "Try it", "Gateway", "Usage"],
    use: ["Try it", "Gateway"],
    audit: ["Audit"],
    admin: ["Audit", "Admin"],
  };
  for (const [scope, pages] of Object.entries(expected)) {
    const page = await it.signedIn(t, "", { key: await it.key([scope]) });
    assert.deepEqual(await page.getByRole("navigation", { name: "Pages" }).getByRole("link").allInnerTexts(), pages);
    await page.getByRole("heading", { level: 1 }).waitFor();
  }
  const limited = await it.signedIn(t, "", { key: await it.key(["manage"], { tools: ["issues__*"] }) });
  await heading(limited, "Secrets").waitFor();
  assert.equal(await limited.getByRole("link", { name: "Keys" }).count(), 0);
  await limited.goto("/#/keys");
  await limited.getByText("There is nothing here").waitFor();
});

test("a link that does not work signs no one out", async (t) => {
  const first = await it.signedIn(t, "secrets/new", { refused: [401] });
  await first.getByLabel("Name").fill("half written");
  const second = await it.open(t, { context: first.context(), refused: [401] });
  await second.goto("/#/sign-in/x");
  await heading(second, "Secrets").waitFor();
  await second.getByText("This link was used already or has expired").waitFor();
  assert.equal(await first.getByLabel("Name").inputValue(), "half written");
  await first.getByRole("link", { name: "Keys" }).click();
  await heading(first, "Keys").waitFor();
});

test("signing out says so if the server does not answer", async (t) => {
  const page = await it.signedIn(t, "", { refused: [503] });
  await page.route("**/v1/session", (route) => (route.request().method() === "DELETE" ? route.fulfill({ status: 503 }) : route.continue()));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("but the server did not answer. The session ends within 30 minutes").waitFor();
});

test("the server hears of someone who only writes", async (t) => {
  const page = await it.open(t);
  await page.clock.install();
  await page.goto("/#/secrets/new");
  await signIn(page, it.own);
  await page.getByLabel("Name").press("a");
  await page.clock.fastForward("00:05:00");
  await Promise.all([page.waitForRequest("**/v1/session"), page.getByLabel("Name").press("b")]);
});
