/** Arguments of a tool: a name, or a JSON Pointer (RFC 6901) to a member inside the arguments. */

import { define, isObject, isReference } from "../objects.js";

/** The names on the way to an argument. */
export function steps(argument: string): string[] {
  if (!argument.startsWith("/")) return [argument];
  return argument
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer for a way of names. */
export function pointer(way: readonly string[]): string {
  return way.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The one text for a place: `k` and `/k` are the same argument. */
export function place(argument: string): string {
  return placeOf(steps(argument));
}

/** The same for a way of names. */
export function placeOf(way: readonly string[]): string {
  const [name = ""] = way;
  return way.length === 1 && !name.startsWith("/") ? name : pointer(way);
}

/** Whether two arguments are the same place, or one is inside the other. */
export function overlaps(one: string, other: string): boolean {
  const [way, across] = [steps(one), steps(other)];
  return way.every((step, index) => index >= across.length || step === across[index]);
}

/** What is at an argument; undefined if nothing is. */
export function at(value: unknown, argument: string): unknown {
  let found: unknown = value;
  for (const step of steps(argument)) {
    found = isReference(found) && Object.hasOwn(found, step) ? (found as any)[step] : undefined;
  }
  return found;
}

/** A copy with a value at an argument; the objects beside the way are the same. */
export function withAt(value: unknown, argument: string, content: unknown): unknown {
  return changed(value, steps(argument), (holder, last) => define(holder, last, content));
}

/** A copy without what is at an argument; the same value if nothing is. */
export function withoutAt<T>(value: T, argument: string): T {
  if (at(value, argument) === undefined) return value;
  return changed(value, steps(argument), (holder, last) => delete (holder as any)[last]) as T;
}

function changed(value: unknown, [step, ...rest]: string[], change: (holder: object, last: string) => void): unknown {
  const copy: any = Array.isArray(value) ? [...value] : { ...(isObject(value) ? value : {}) };
  if (step === undefined) return copy;
  if (rest.length === 0) change(copy, step);
  else define(copy, step, changed(Object.hasOwn(copy, step) ? copy[step] : undefined, rest, change));
  return copy;
}
