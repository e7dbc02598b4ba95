import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Confidential, ConfigurationError, Toolvault } from "toolvault";

import { canary, clean } from "../support/canary.js";

const KEY = "tvk_01234567_0123456789012345678901234567890123456789012345678";

test("addresses that would expose the key are refused", () => {
  const refused = [
    "http://vault.example.com",
    "http://10.0.0.1",
    "http://127.0.0.1.example.com",
    "ftp://127.0.0.1",
    "127.0.0.1:8710",
    "https://user@vault.example.com",
    "https://:password@vault.example.com",
    "https://vault.example.com/?a=b",
    "https://vault.example.com/#a",
  ];
  for (const url of refused) assert.throws(() => new Toolvault({ url, apiKey: KEY }), ConfigurationError, url);
});

test("an address that ends in what the client adds is refused", () => {
  for (const url of ["http://127.0.0.1:8710/v1", "https://vault.example.com/base/v1/"]) {
    assert.throws(() => new Toolvault({ url, apiKey: KEY }), { name: "ConfigurationError", message: /\/v1/ }, url);
  }
});

test("https, and http to this machine, are accepted", () => {
  const accepted: Record<string, string> = {
    "https://vault.example.com/": "https://vault.example.com",
    "https://vault.example.com/base/": "https://vault.example.com/base",
    "http://localhost:8710": "http://localhost:8710",
    "http://127.8.9.1": "http://127.8.9.1",
    "http://[::1]:8710": "http://[::1]:8710",
  };
  for (const [url, shown] of Object.entries(accepted)) assert.equal(new Toolvault({ url, apiKey: KEY }).url, shown);
  assert.equal(new Toolvault({ url: "http://10.0.0.1", apiKey: KEY, allowHttp: true }).url, "http://10.0.0.1");
});

test("a timeout that no timer has is refused", () => {
  for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    assert.throws(() => new Toolvault({ apiKey: KEY, timeout }), ConfigurationError);
  }
  assert.equal(new Toolvault({ apiKey: KEY, timeout: 2 ** 31 - 1 }).url, "http://127.0.0.1:8710");
});

test("the key comes from the options, the environment or a file", async (context) => {
  const names = ["TOOLVAULT_API_KEY", "TOOLVAULT_API_KEY_FILE", "TOOLVAULT_URL"];
  const before = names.map((name) => [name, process.env[name]] as const);
  context.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  for (const name of names) delete process.env[name];
  assert.throws(() => new Toolvault(), /no API key: give apiKey, or set TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE/);
  const file = join(await mkdtemp(join(tmpdir(), "toolvault-")), "key");
  process.env.TOOLVAULT_API_KEY_FILE = file;
  assert.throws(() => new Toolvault(), /key cannot be read \(ENOENT\)/);
  await writeFile(file, `${KEY}\n`);
  assert.equal(new Toolvault().url, "http://127.0.0.1:8710");
  process.env.TOOLVAULT_API_KEY = "not a key";
  assert.throws(() => new Toolvault(), /has a character that no key has/);
  process.env.TOOLVAULT_URL = "https://vault.example.com";
  assert.equal(new Toolvault({ apiKey: new Confidential(KEY) }).url, "https://vault.example.com");
});

test("a confidential value is shown only by reveal", () => {
  const value = canary();
  const confidential = new Confidential(value);
  assert.equal(confidential.reveal(), value);
  assert.equal(new Confidential(confidential).reveal(), value);
  clean(value, confidential, { confidential }, [confidential], `${confidential}`, structuredClone(confidential));
  assert.throws(() => new Confidential(5 as any), TypeError);
});

test("a client does not show its key", () => {
  const value = canary();
  const vault = new Toolvault({ apiKey: value });
  clean(value, vault, { vault }, vault.secrets, vault.keys, `${vault}`, Object.entries(vault));
  assert.equal(JSON.stringify(vault), '{"url":"http://127.0.0.1:8710"}');
});
