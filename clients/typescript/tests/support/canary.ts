import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";

/** A value that must not leak. */
export function canary(): string {
  return `lin_api_${randomBytes(12).toString("hex")}`;
}

/** Fails if a value, in any usual spelling, is in what can be read of these objects. */
export function clean(value: string, ...shown: unknown[]): void {
  for (const one of shown) {
    for (const text of readable(one)) {
      for (const spelling of spellings(value))
        assert.ok(!text.includes(spelling), `a value leaks: ${text.slice(0, 2000)}`);
    }
  }
}

function* readable(one: unknown): Generator<string> {
  yield typeof one === "string"
    ? one
    : inspect(one, { depth: 30, showHidden: true, maxArrayLength: null, maxStringLength: null });
  yield String(one instanceof Error ? one.stack : "");
  try {
    yield JSON.stringify(one) ?? "";
  } catch {
    // It is cyclic, and inspect has shown it.
  }
}

function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const aligned = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  return [value, value.slice(8), [...value].reverse().join(""), bytes.toString("hex"), ...aligned];
}
