import { steps } from "./pointer.js";

/** A tool's description without the lines that describe the arguments. */
export function described<T extends string | undefined>(description: T, hidden: Iterable<string>): T {
  if (description === undefined) return description;
  const names = new Set([...hidden].map((argument) => steps(argument).at(-1)));
  const lines: string[] = [];
  let within: number | undefined;
  for (const line of description.split("\n")) {
    const indent = line.search(/\S/);
    if (within !== undefined && indent > within) continue;
    const name =
      /^\s*(?:[-*]\s+)?(?:@param\s+)?(?:\{[^}]*\}\s*)?[`"']?([\w.-]+)[`"']?\s*(?:\([^)]*\))?\s*(?::|-\s)/.exec(
        line,
      )?.[1];
    within = name !== undefined && names.has(name.split(".").at(-1)) ? indent : undefined;
    if (within === undefined) lines.push(line);
  }
  return lines.join("\n").trimEnd() as T;
}
