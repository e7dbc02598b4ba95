// Records as files.

const FIELDS = [
  "sequence", "at", "actor", "user_id", "action", "decision", "reason", "secret_id", "secret_name", "version", "tool",
  "argument", "arguments", "dropped", "duration_ms", "count", "subject", "source", "request_id",
];

/** A cell; a text that a spreadsheet would take for a formula is marked as text. */
function cell(value) {
  const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
  const harmless = typeof value !== "number" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

export const toCsv = (records) => [FIELDS, ...records.map((record) => FIELDS.map((field) => record[field]))].map((row) => row.map(cell).join(",")).join("\r\n");

export const toJson = (records) => JSON.stringify(records, null, 2);

/** Hands a file to the browser's downloads. */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
