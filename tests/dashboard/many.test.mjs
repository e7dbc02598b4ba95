// Ten thousand secrets.

import assert from "node:assert/strict";
import { test } from "node:test";

import { heading, row, world } from "./world.mjs";

const COUNT = 10_000;
const AT_ONCE = 16;
const nameOf = (index) => `secret-${String(index).padStart(5, "0")}`;

const it = world(async () => {
  for (let start = 0; start < COUNT; start += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, index) => start + index);
    await Promise.all(numbers.map((index) => it.secret(nameOf(index), { tool_name: `server${index % 100}__*`, tool_arg: "token" })));
  }
});

test("the list has all of them, with few rows in the document", async (t) => {
  const page = await it.signedIn(t);
  await page.getByText("10,000 secrets", { exact: true }).waitFor();
  const table = page.getByRole("table", { name: "Secrets" });
  assert.equal(await table.getAttribute("aria-rowcount"), String(COUNT + 1));
  const rows = () => page.locator("tbody tr:not([aria-hidden])").count();
  assert.ok((await rows()) < 100);
  // From one end to the other, and what is in view is always there.
  for (const part of [0.25, 0.5, 0.99, 1, 0]) {
    await page.evaluate((to) => scrollTo(0, document.documentElement.scrollHeight * to), part);
    await page.waitForFunction(() => {
      const at = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
      return at?.closest("tbody tr:not([aria-hidden])") || at?.closest("main");
    });
    assert.ok((await rows()) < 100);
  }
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await row(page, nameOf(0)).waitFor();
});

test("one of them is found by name and by tool", async (t) => {
  const page = await it.signedIn(t);
  await page.getByText("10,000 secrets", { exact: true }).waitFor();
  await page.getByLabel("Search", { exact: true }).fill("04242");
  await row(page, nameOf(4242)).waitFor();
  await page.getByText("1 of 10,000 secrets").waitFor();
  await page.getByLabel("Search", { exact: true }).fill("");
  await page.getByLabel("Reaches the tool").fill("server7__anything");
  await page.getByText("100 of 10,000 secrets").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("09999");
  await page.getByRole("option", { name: nameOf(9999) }).click();
  await heading(page, nameOf(9999)).waitFor();
});
