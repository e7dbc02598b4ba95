// What every page has in common: its size, that it can be used by everyone, and on every screen.

import assert from "node:assert/strict";
import { test } from "node:test";

import { focused, heading, signIn, violations, world } from "./world.mjs";

const LARGEST = 150_000;
let id;

const it = world(async () => {
  ({ secret_id: id } = await it.secret("linear-prod", { tool_name: "issues__*", tool_arg: "api_token", is_default_for_tool: true }));
  await it.api("PUT", `v1/secrets/${id}/value`, { secret_value: "another value, long enough" });
  await it.api("POST", "v1/tools/issues__get_issue/resolve", {});
});

const pages = () => ["secrets", "secrets/new", `secrets/${id}`, `secrets/${id}/edit`, "keys", "try?tool=issues__get_issue", "gateway", "audit", "usage", "admin"];

async function settled(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".waiting").length === 0);
}

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
    test(`axe finds nothing on any page, ${colorScheme}, ${viewport.width} wide`, async (t) => {
      const options = { colorScheme, viewport, reducedMotion: "reduce" };
      const page = await it.open(t, options);
      await page.goto("/");
      await heading(page, "Sign in").waitFor();
      assert.deepEqual(await violations(page), [], "sign-in");
      const inside = await it.signedIn(t, "", options);
      for (const path of pages()) {
        await inside.goto(`/#/${path}`);
        await settled(inside);
        assert.deepEqual(await violations(inside), [], path);
        const overflow = await inside.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
      }
    });
  }
}

test("no time in a table is cut, also on a phone", async (t) => {
  for (const width of [1280, 360]) {
    const page = await it.open(t, { viewport: { width, height: 800 } });
    await page.clock.setFixedTime(Date.now() + 35 * 60_000);
    await page.goto("/");
    await signIn(page, it.own);
    const seen = new Set();
    for (const path of pages()) {
      await page.goto(`/#/${path}`);
      await settled(page);
      const times = await page.locator("td time, th time").evaluateAll((all) => all.map((time) => {
        const cell = time.closest("td, th");
        const end = cell.getBoundingClientRect().right - parseFloat(getComputedStyle(cell).paddingRight);
        return { text: time.innerText, isCut: time.checkVisibility() && time.getBoundingClientRect().right > end };
      }));
      assert.deepEqual(times.filter(({ isCut }) => isCut), [], `${path}, ${width} wide`);
      for (const { text } of times) seen.add(text);
    }
    assert.ok(seen.has("35m ago"), [...seen].join(", "));
  }
});

test("axe finds nothing in dialogs", async (t) => {
  const page = await it.signedIn(t, "keys", { reducedMotion: "reduce" });
  const inDialog = async (name) => {
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await violations(page), [], name);
  };
  await page.getByRole("button", { name: "New key" }).click();
  await inDialog("new key");
  await page.getByLabel("Name").fill("looked at");
  await page.getByRole("button", { name: "Create the key" }).click();
  await page.getByText("I stored it").waitFor();
  await inDialog("the new key");
  await page.getByLabel("I stored it").check();
  await page.getByRole("button", { name: "Done" }).click();
  await page.keyboard.press("Control+k");
  await inDialog("search");
  await page.keyboard.press("Escape");
  await page.goto(`/#/secrets/${id}`);
  for (const name of ["Replace the value", "Change the policy", "Delete", "Restore version 1"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await inDialog(name);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
});

test("a page weighs at most 150 kB with all that it loads", async (t) => {
  for (const path of pages()) {
    const page = await it.open(t);
    const loaded = new Map();
    page.on("response", (response) => loaded.set(response.url(), response));
    await page.goto(`/#/${path}`);
    await signIn(page, it.own);
    await settled(page);
    let size = 0;
    for (const [url, response] of loaded) {
      if (url.includes("/dashboard/") || new URL(url).pathname === "/") size += (await response.body()).length;
    }
    assert.ok(size > 50_000 && size <= LARGEST, `${path}: ${size} bytes`);
    await page.context().close();
  }
});

test("the colours follow the system until one chooses", async (t) => {
  const page = await it.signedIn(t, "", { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: /^Colours/ }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await heading(page, "Secrets").waitFor();
  assert.equal(await ground(), light);
});

test("every page is reached with the keyboard, and its heading has the focus", async (t) => {
  const page = await it.signedIn(t);
  // The heading of the first page takes the focus when it is drawn, which may be after a link got it.
  await focused(page, "Secrets");
  for (const name of ["Keys", "Try it", "Gateway", "Audit", "Usage", "Admin", "Secrets"]) {
    await page.getByRole("link", { name, exact: true }).focus();
    await page.keyboard.press("Enter");
    await focused(page, name);
  }
});
