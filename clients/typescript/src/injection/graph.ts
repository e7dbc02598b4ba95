import { types } from "node:util";

import { define } from "../objects.js";

/** An object that holds others, and how to copy it with other members. */
export interface Holder {
  /** The texts, objects and other values in it, names included. */
  readonly members: readonly unknown[];
  /** A copy without members, of the same class; the object itself if it is filled in place. */
  empty(): object;
  /** Gives `into` the members, in the order of `members`. `clean` redacts what its `toJSON` returns later. */
  fill(into: object, members: readonly unknown[], clean: (value: unknown) => unknown): void;
}

/**
 * What an object holds: its own members (of getters, what they return), the elements of a `Map` or `Set`, and what its
 * `toJSON` returns. Objects with other hidden content, such as a `Blob`, hold nothing. An error keeps its identity.
 */
export function holder(own: object): Holder {
  const names = namesOf(own);
  const members: unknown[] = [];
  for (const name of names) members.push(name, memberOf(own, name));
  const { length } = members;
  pushElements(members, own);
  members.push(snapshot(own));
  const isInPlace = isError(own) && !isFixed(own, names);
  const fill = (into: object, filled: readonly unknown[], clean: (value: unknown) => unknown) => {
    for (const [index, name] of names.entries()) {
      const [changed, value] = [filled[2 * index] as PropertyKey, filled[2 * index + 1]];
      if (isInPlace && changed === name && value === members[2 * index + 1]) continue;
      const { enumerable = false } = Object.getOwnPropertyDescriptor(own, name) ?? {};
      if (isInPlace && changed !== name) Reflect.deleteProperty(into, name);
      define(into, changed, value, enumerable);
    }
    for (let index = length; index < filled.length - 1; index += 1) {
      if (types.isSet(into)) Set.prototype.add.call(into, filled[index]);
      else Map.prototype.set.call(into, filled[index], filled[++index]);
    }
    if (hasJson(own)) define(into, "toJSON", json(into, own.toJSON, filled.at(-1), clean), false);
  };
  const empty = () => (isInPlace ? own : Object.setPrototypeOf(bare(own), Object.getPrototypeOf(own)));
  return { members, empty, fill };
}

/** `message` and `stack` of an error may be inherited. */
function namesOf(own: object): PropertyKey[] {
  const names = Reflect.ownKeys(own);
  if (Array.isArray(own)) return names.filter((name) => name !== "length");
  return isError(own) ? [...new Set(["message", "stack", ...names])] : names;
}

function memberOf(own: object, name: PropertyKey): unknown {
  try {
    return (own as any)[name];
  } catch {
    // A getter that throws holds nothing.
  }
}

function pushElements(members: unknown[], own: object): void {
  if (types.isSet(own)) Set.prototype.forEach.call(own, (one) => void members.push(one));
  if (types.isMap(own)) Map.prototype.forEach.call(own, (value, name) => void members.push(name, value));
}

function bare(own: object): object {
  if (Array.isArray(own)) return new Array(own.length);
  if (types.isMap(own)) return new Map();
  return types.isSet(own) ? new Set() : {};
}

function isError(own: object): boolean {
  return types.isNativeError(own) || own instanceof Error;
}

function isFixed(own: object, names: readonly PropertyKey[]): boolean {
  const isConstant = (name: PropertyKey) => Object.getOwnPropertyDescriptor(own, name)?.configurable === false;
  return !Object.isExtensible(own) || names.some(isConstant);
}

function hasJson(own: object): own is { toJSON(key?: string): unknown } {
  return typeof memberOf(own, "toJSON") === "function";
}

/** What `JSON.stringify` shows of an object that has a `toJSON`. */
function snapshot(own: object): unknown {
  try {
    return hasJson(own) ? JSON.parse(JSON.stringify(own)) : undefined;
  } catch {
    // It has no JSON.
  }
}

/** The `toJSON` of a copy: its own, redacted; or what the original showed, if that needs private members. */
function json(into: object, toJSON: (key?: string) => unknown, shown: unknown, clean: (value: unknown) => unknown) {
  return (key?: string): unknown => {
    try {
      const found = toJSON.call(into, key);
      return found === into ? found : clean(found);
    } catch {
      return shown;
    }
  };
}

/** The bytes of a buffer or a view of one; undefined for other objects. */
export function bytesOf(value: object): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}
