/** Shorter values are not searched for. */
export const SHORTEST = 8;

const HTML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** The spellings of a value in a text. */
export function forms(value: string): Set<string> {
  const bytes = Buffer.from(value);
  const percent = encodeURIComponent(value.toWellFormed());
  const ascii = value.replace(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const spellings = [
    value,
    [...value].reverse().join(""),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
    ascii,
    value.replace(/[&<>"']/g, (one) => HTML[one] ?? one),
    percent,
    percent.replace(/%../g, (one) => one.toLowerCase()),
    percent.replaceAll("%20", "+"),
    encodeURI(value.toWellFormed()),
    bytes.toString("latin1"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...base64(bytes),
  ];
  return new Set(spellings.filter((one) => one.length >= SHORTEST));
}

/** At each alignment, whole characters only: those at the edges also contain bits of neighbours. */
function* base64(bytes: Buffer): Generator<string> {
  for (const offset of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const [first, last] = [Math.ceil((offset * 8) / 6), Math.floor((padded.length * 8) / 6)];
    yield padded.toString("base64").slice(first, last);
    yield padded.toString("base64url").slice(first, last);
  }
}
