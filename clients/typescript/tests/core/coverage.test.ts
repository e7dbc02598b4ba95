import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Toolvault } from "toolvault";

const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const ROOT = process.env.TOOLVAULT_ROOT ?? join(PACKAGE, "..", "..");

/** Not for clients: health, metrics, sessions of browsers, the page for pending secrets, and the other path of `resolve`. */
const OTHERS = [
  "POST /session",
  "GET /session",
  "DELETE /session",
  "GET /session/issuers",
  "POST /session/issuers",
  "POST /session/approvals",
  "POST /session/approvals/key",
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /pending-secrets/{}",
  "POST /pending-secrets/{}",
  "POST /tools/{}/resolve",
];

test("the client has every operation of the API, and no other", async () => {
  const called = new Set<string>();
  const runner = {
    run: async ({ method, path }: any) => {
      called.add(
        `${method} ${path
          .replace(/^\/v1/, "")
          .replaceAll(/\/id(?=\/|$)/g, "/{}")
          .replace(/\/7(?=\/|$)/, "/{}")}`,
      );
      throw new Error("recorded");
    },
  };
  const vault = new Toolvault({ apiKey: "k" }, runner);
  const rooms = [
    vault,
    vault.secrets,
    vault.keys,
    vault.users,
    vault.audit,
    vault.connections,
    vault.approvals,
  ] as any[];
  for (const room of rooms) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(room))) {
      if (
        [
          "constructor",
          "run",
          "actingFor",
          "currentUser",
          "close",
          "toJSON",
          "iterate",
          "resolveMany",
          "explainMany",
        ].includes(name)
      )
        continue;
      const call = async () => room[name]("id", /restore|deleteVersion/.test(name) ? 7 : {});
      await call().catch(() => {});
    }
  }
  await vault.resolveMany([]).catch(() => {});
  await vault.explainMany([]).catch(() => {});
  await vault.secrets.create({ secret_name: "n", secret_value: "value" }).catch(() => {});
  await vault.secrets.update("id", {}).catch(() => {});
  await vault.secrets.putValue("id", "value").catch(() => {});
  const document = JSON.parse(await readFile(join(ROOT, "crates", "server", "tests", "openapi.json"), "utf8"));
  const offered = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => /^(get|put|post|patch|delete)$/.test(method))
      .map((method) => `${method.toUpperCase()} ${path.replace("/api/v1", "").replaceAll(/\{\w+\}/g, "{}")}`),
  );
  assert.deepEqual([...called].toSorted(), offered.filter((one) => !OTHERS.includes(one)).toSorted());
});

test("the types are those of the server's OpenAPI document", async () => {
  await promisify(execFile)(process.execPath, [join(ROOT, "clients", "typescript", "scripts", "types.mjs"), "--check"]);
});

test("the package has the version of the workspace", async () => {
  const { version } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
  const manifest = await readFile(join(ROOT, "Cargo.toml"), "utf8");
  assert.equal(version, /^version = "([^"]+)"$/m.exec(manifest)?.[1]);
});
