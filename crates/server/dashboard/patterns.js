// Which tools a pattern reaches, and which of several defaults wins: rules 4 and 5 of `resolve`, for a secret that is
// not stored yet. The server explains those that are.

const isExact = (pattern) => !pattern.includes("*");
const literals = (pattern) => [...pattern].filter((character) => character !== "*").length;

/** Whether the pattern, in which each `*` is any run of characters, matches the whole name. */
export function matches(pattern, name) {
  const [first, ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === name;
  const last = rest.pop();
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Whether a default that is stored now would win over one with `other`. */
export function beats(pattern, other) {
  if (isExact(pattern) !== isExact(other)) return isExact(pattern);
  return literals(pattern) >= literals(other);
}

/** Whether two arguments are the same place: `/token` and `token` are. */
export function isSameArgument(one, other) {
  return place(one) === place(other);
}

function place(argument) {
  const isStep = argument.startsWith("/") && !argument.includes("/", 1);
  return isStep ? argument.slice(1).replaceAll("~1", "/").replaceAll("~0", "~") : argument;
}

/** Whether the gateway applies no default with this pattern: the text before its first `*` names no server. */
export const isTooBroad = (pattern) => !isExact(pattern) && !/^[a-z0-9][a-z0-9-]{0,31}__/.test(pattern.split("*")[0]);
