import { types } from "node:util";

/** An object that holds others, and how to copy it with other members. */
export interface Holder {
  /** The texts, objects and other values in it, names included. */
  readonly members: readonly unknown[];
  /** A copy without members, of the same class; the object itself if it is filled in place. */
  empty(): object;
  /** Gives `into` the members, in the order of `members`. */
  fill(into: any, members: readonly unknown[]): void;
}

/** What an object holds. Objects with hidden content, such as a `Headers`, hold nothing. */
export function holder(value: object): Holder {
  if (Array.isArray(value)) return list(value);
  if (value instanceof Map) return map(value);
  if (value instanceof Set) return set(value);
  return value instanceof Error ? failure(value) : record(value);
}

function list(own: readonly unknown[]): Holder {
  const fill = (into: unknown[], members: readonly unknown[]) => {
    for (const one of members) into.push(one);
  };
  return { members: own, empty: () => [], fill };
}

function map(own: ReadonlyMap<unknown, unknown>): Holder {
  const fill = (into: Map<unknown, unknown>, members: readonly unknown[]) => {
    for (const [name, value] of pairs(members)) into.set(name, value);
  };
  return { members: [...own].flat(1), empty: () => new Map(), fill };
}

function set(own: ReadonlySet<unknown>): Holder {
  const fill = (into: Set<unknown>, members: readonly unknown[]) => {
    for (const one of members) into.add(one);
  };
  return { members: [...own], empty: () => new Set(), fill };
}

/** An object with its own enumerable members. Its getters are not called. */
function record(own: object): Holder {
  const members: unknown[] = [];
  for (const name of Object.keys(own)) {
    const value: unknown = Object.getOwnPropertyDescriptor(own, name)?.value;
    if (value !== undefined) members.push(name, value);
  }
  const fill = (into: object, filled: readonly unknown[]) => {
    for (const [name, value] of pairs(filled)) define(into, String(name), value, true);
  };
  const empty = () => {
    const others = Object.getOwnPropertyDescriptors(own) as Record<string, PropertyDescriptor>;
    for (const [name] of pairs(members)) delete others[String(name)];
    return Object.create(Object.getPrototypeOf(own), others) as object;
  };
  return { members, empty, fill };
}

/** An error keeps its identity. `message`, `stack` and `cause` are not enumerable. */
function failure(own: Error): Holder {
  const names = [...new Set(["message", "stack", ...Object.getOwnPropertyNames(own)])];
  const isFixed = !Object.isExtensible(own) || names.some((name) => isConstant(own, name));
  const fill = (into: object, members: readonly unknown[]) => {
    for (const [index, name] of names.entries()) {
      if ((into as any)[name] === members[index]) continue;
      define(into, name, members[index], Object.getOwnPropertyDescriptor(own, name)?.enumerable ?? false);
    }
  };
  const empty = () => (isFixed ? (Object.create(Object.getPrototypeOf(own)) as object) : own);
  return { members: names.map((name) => (own as any)[name]), empty, fill };
}

function isConstant(own: object, name: string): boolean {
  return Object.getOwnPropertyDescriptor(own, name)?.configurable === false;
}

/** Unlike an assignment, this cannot set a prototype. */
function define(into: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(into, name, { value, enumerable, writable: true, configurable: true });
}

function* pairs<T>(flat: readonly T[]): Generator<[T, T]> {
  for (let index = 0; index < flat.length; index += 2) yield [flat[index] as T, flat[index + 1] as T];
}

/** The bytes of a buffer or a view of one; undefined for other objects. */
export function bytesOf(value: object): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}
