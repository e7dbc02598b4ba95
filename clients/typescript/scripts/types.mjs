// Writes the types of the API (src/api.ts) from the server's OpenAPI document:
//
//   node scripts/types.mjs           writes the file
//   node scripts/types.mjs --check   fails if the file is not up to date
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = new URL("../../../crates/server/tests/openapi.json", import.meta.url);
const TYPES = new URL("../src/api.ts", import.meta.url);
const SIMPLE = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

// The two schemas whose names come from the original API.
const RENAMED = {
  Body_new_secret_v1_secrets__post: "NewSecret",
  Body_update_secret_v1_secrets__secret_id__patch: "SecretPatch",
};

const named = (name) => RENAMED[name] ?? name;

function type(schema) {
  if (schema.$ref) return named(schema.$ref.split("/").at(-1));
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(type))].join(" | ");
  if (schema.type === "array") return `ReadonlyArray<${type(schema.items)}>`;
  if (schema.properties) return members(schema);
  if (schema.additionalProperties) return `{ readonly [name: string]: ${type(schema.additionalProperties)} }`;
  if (schema.type === "object") return "{ readonly [name: string]: never }";
  return SIMPLE[schema.type] ?? "unknown";
}

function members({ properties, required = [] }) {
  const lines = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : "?";
    return `${comment(schema, "  ")}  readonly ${name}${optional}: ${type(schema)};`;
  });
  return `{\n${lines.join("\n")}\n}`;
}

function comment({ description }, indent = "") {
  return description ? `${indent}/** ${description.replaceAll("\n", " ")} */\n` : "";
}

function declaration([name, schema]) {
  const head = `${comment(schema)}export `;
  const plain = schema.properties && !schema.anyOf;
  return plain
    ? `${head}interface ${named(name)} ${members(schema)}\n`
    : `${head}type ${named(name)} = ${type(schema)};\n`;
}

const document = JSON.parse(readFileSync(DOCUMENT, "utf8"));
const head = "// Generated from the server's OpenAPI document: node scripts/types.mjs\n\n";
const text = head + Object.entries(document.components.schemas).map(declaration).join("\n");

if (!process.argv.includes("--check")) {
  writeFileSync(TYPES, text);
} else if (readFileSync(TYPES, "utf8") !== text) {
  console.error("src/api.ts differs from the server's OpenAPI document; run: node scripts/types.mjs");
  process.exit(1);
}
