// Names and patterns that attack who looks at them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { heading, world } from "./world.mjs";

const it = world();

const ATTACKS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "\"><script>alert(1)</script>",
  "' onmouseover='alert(1)",
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "</textarea><script>alert(1)</script>",
  "${alert(1)}",
  "{{constructor.constructor('alert(1)')()}}",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<a href=javascript:alert(1)>x</a>",
  "<style>*{display:none}</style>",
  "<form action=https://evil.example><button>x</button></form>",
  "<base href=https://evil.example/>",
  "<!--",
  "__proto__",
  "constructor",
  "../../../etc/passwd",
  "%3Cscript%3Ealert(1)%3C/script%3E",
  "=cmd|'/c calc'!A0",
];

/** What must be seen rather than obeyed. */
const UNSEEN = ["admin\u202Egnp.exe", "zero\u200Bwidth", "bom\uFEFF", "tab\there", "line\u2028break", "\u2066isolate\u2069", "\u{E0041}tag", "\u3164", "bell\u0007"];

const dialogs = async (page) => page.on("dialog", () => assert.fail("a script ran"));

/** Elements of an attack that became real. */
const planted = (page) => page.locator("main script, main iframe, main form[action], main base, main style, main img, main [onerror], main [onmouseover], a[href^='javascript:']").count();

test("markup in names, patterns and arguments stays text on every page", async (t) => {
  for (const attack of ATTACKS) {
    await it.secret(attack, { tool_name: `${attack.replaceAll("*", "")}__*`, tool_arg: attack, is_default_for_tool: true });
    await it.key(["use"], { name: attack, tools: [`${attack.replaceAll("*", "")}__*`] });
    await it.api("POST", "v1/users", { name: attack });
  }
  const { data } = await it.api("GET", "v1/secrets/?limit=1000");
  const page = await it.signedIn(t);
  await dialogs(page);
  for (const path of ["secrets", "keys", "audit?action=secret.created", "usage", "admin", "gateway"]) {
    await page.goto(`/#/${path}`);
    await heading(page).waitFor();
    if (path !== "gateway") await page.getByText("<script>alert(1)</script>").filter({ visible: true }).first().waitFor();
    assert.equal(await planted(page), 0, path);
  }
  for (const { secret_id: id, secret_name: name } of data) {
    await page.goto(`/#/secrets/${id}`);
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    await page.locator(".reach").waitFor();
    assert.equal(await planted(page), 0, name);
    await page.goto(`/#/try?tool=${encodeURIComponent(`${name.replaceAll("*", "")}__tool`)}`);
    await page.getByText("Gets the default").first().waitFor();
    assert.equal(await planted(page), 0, name);
  }
});

test("addresses that attack are harmless", async (t) => {
  const page = await it.signedIn(t, "", { refused: [404, 422] });
  await dialogs(page);
  for (const attack of ATTACKS) {
    const text = encodeURIComponent(attack);
    for (const path of [text, `secrets/${text}`, `secrets/new?name=${text}&tool=${text}&argument=${text}`, `audit?action=${text}&tool=${text}`, "%", "%E0%A4%A"]) {
      await page.goto(`/#/${path}`);
      await page.locator("main").getByRole("heading").or(page.getByText("There is nothing here")).or(page.getByRole("alert")).first().waitFor();
      assert.equal(await planted(page), 0, path);
    }
  }
});

test("characters that are not seen, or turn the direction, are shown as numbers", async (t) => {
  for (const name of UNSEEN) await it.secret(name).catch(() => {});
  const { data } = await it.api("GET", "v1/secrets/?limit=1000");
  const names = data.map(({ secret_name: name }) => name).filter((name) => UNSEEN.includes(name));
  assert.ok(names.length >= 7, `only ${names.length} can be stored`);
  const page = await it.signedIn(t);
  await page.getByLabel("Search", { exact: true }).waitFor();
  const main = page.locator("main");
  for (const number of ["⟨U+202E⟩", "⟨U+200B⟩", "⟨U+FEFF⟩", "⟨U+2028⟩", "⟨U+2066⟩", "⟨U+E0041⟩", "⟨U+3164⟩"]) {
    await main.getByText(number).first().waitFor();
  }
  assert.doesNotMatch(await main.innerText(), /[\u200B\u202E\u2028\u2066\u3164]/);
});
