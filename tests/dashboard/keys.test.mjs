// The pages of keys and of users.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertNowhere, heading, row, signIn, world } from "./world.mjs";

const it = world();
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("a key is shown once, until its holder says that it is stored", async (t) => {
  const page = await it.signedIn(t, "keys");
  await button(page, "New key").click();
  const form = page.getByRole("dialog", { name: "New key" });
  await form.getByLabel("Name").fill("my-agent");
  assert.ok(await form.getByLabel("use").isChecked());
  await form.getByLabel("Only these tools").fill("issues__*");
  await form.getByLabel("Expires").selectOption("In 7 days");
  await form.getByRole("button", { name: "Create the key" }).click();
  const once = page.getByRole("dialog", { name: "Copy your key now" });
  const key = await once.getByLabel("my-agent").inputValue();
  assert.match(key, /^tvk_/);
  // Escape, also twice, does not lose it.
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  const done = once.getByRole("button", { name: "Done" });
  assert.ok(await done.isDisabled());
  await once.getByLabel("I stored it").check();
  await done.click();
  await once.waitFor({ state: "detached" });
  await assertNowhere(page, key);
  assert.deepEqual(await it.api("GET", "v1/me", undefined, key).then(({ scopes, tools }) => [scopes, tools]), [["use"], ["issues__*"]]);
  await row(page, "my-agent").getByText("issues__*").waitFor();
});

test("the key is copied with its button", async (t) => {
  const page = await it.signedIn(t, "keys");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button(page, "New key").click();
  await page.getByLabel("Name").fill("on-the-clipboard");
  await button(page, "Create the key").click();
  const once = page.getByRole("dialog", { name: "Copy your key now" });
  await once.getByRole("button", { name: "Copy", exact: true }).first().click();
  await once.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await once.getByLabel("on-the-clipboard").inputValue());
});

test("a key needs a scope", async (t) => {
  const page = await it.signedIn(t, "keys");
  await button(page, "New key").click();
  await page.getByLabel("Name").fill("none");
  await page.getByLabel("use", { exact: false }).first().uncheck();
  await button(page, "Create the key").click();
  await page.getByRole("alert").filter({ hasText: "Choose at least one scope" }).waitFor();
});

test("a key is rotated and revoked", async (t) => {
  const old = await it.key(["use"], { name: "rotating" });
  const page = await it.signedIn(t, "keys");
  await button(page, "Rotate rotating").click();
  await page.getByLabel("The old key expires").selectOption("At once");
  await button(page, "Make a new key").click();
  const once = page.getByRole("dialog", { name: "Copy your key now" });
  const renewed = await once.getByLabel("rotating").inputValue();
  assert.notEqual(renewed, old);
  await once.getByLabel("I stored it").check();
  await button(page, "Done").click();
  await button(page, "Revoke rotating").click();
  await page.getByRole("dialog", { name: "Revoke the key" }).getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The key is revoked").waitFor();
  assert.equal((await fetch(`${it.url}/v1/me`, { headers: { "x-api-key": renewed } })).status, 401);
  await page.getByLabel("Show expired and revoked keys").check();
  await row(page, "rotating").getByText("Revoked").first().waitFor();
});

test("an administrator creates, limits, disables and deletes a user", async (t) => {
  const page = await it.signedIn(t, "admin");
  await button(page, "New user").click();
  await page.getByLabel("Name").fill("ada");
  await button(page, "Create the user").click();
  const ada = row(page, "ada");
  await ada.waitFor();
  const manage = () => button(page, "Manage ada").click();
  await manage();
  await button(page, "Change the limits").click();
  await page.getByLabel("Secrets").fill("5");
  await button(page, "Save").click();
  await ada.getByText("5 secrets").waitFor();
  await manage();
  await button(page, "Disable").click();
  await ada.getByText("Disabled").waitFor();
  await manage();
  await button(page, "Keys").click();
  await page.getByText("This user has no key").waitFor();
  await button(page, "Close").click();
  await manage();
  await button(page, "Delete the user").click();
  await page.getByLabel("Type ada to confirm").fill("ada");
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("The user is deleted").waitFor();
  await row(page, "ada").waitFor({ state: "detached" });
  await page.getByText("Ready").waitFor();
});

test("an administrator ends all sessions of a user, who can sign in again", async (t) => {
  const eve = await it.api("POST", "v1/users", { name: "eve" });
  const key = it.command("key", "create", "--user", "eve", "--scope", "manage", "--json").match(/tvk_\w+/)[0];
  const hers = await it.signedIn(t, "keys", { key, refused: [401] });
  const page = await it.signedIn(t, "admin");
  await button(page, "Manage eve").click();
  await button(page, "End all sessions").click();
  await button(page, "End them").click();
  await page.getByText("The sessions are ended").waitFor();
  await hers.getByRole("link", { name: "Usage" }).click();
  await hers.getByText("Your session has ended").waitFor();
  await signIn(hers, key);
  await heading(hers, "Usage").waitFor();
  await page.reload();
  await row(page, "eve").waitFor();
  const [record] = (await it.api("GET", "v1/audit?action=session.ended&limit=1")).data;
  assert.deepEqual([record.user_id, record.reason], [eve.user_id, "all"]);
});

test("whoever revokes the key of the session is signed out", async (t) => {
  const key = await it.key(["manage"], { name: "own" });
  const page = await it.signedIn(t, "keys", { key, refused: [401] });
  await button(page, "Revoke own").click();
  await page.getByText("You are signed in with this key").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await heading(page, "Sign in").waitFor();
});

test("every row of a dialog's table is there when it is scrolled", async (t) => {
  for (let made = 0; made < 80; made += 1) await it.key(["use"], { name: `many-${made}` });
  const page = await it.signedIn(t, "admin");
  await button(page, "Manage default").click();
  await button(page, "Keys").click();
  const table = page.getByRole("dialog").getByRole("table");
  const last = Number(await table.getAttribute("aria-rowcount"));
  await table.locator("[aria-rowindex='2']").waitFor();
  assert.equal(await table.locator(`[aria-rowindex='${last}']`).count(), 0);
  await page.getByRole("dialog").evaluate((dialog) => dialog.scrollTo(0, dialog.scrollHeight));
  await table.locator(`[aria-rowindex='${last}']`).waitFor();
});
