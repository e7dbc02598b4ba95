import { isObject } from "../objects.js";
import { steps } from "./pointer.js";

/** A schema of zod 4, by what its public core promises: https://zod.dev/packages/core */
export interface Zod {
  readonly _zod: { readonly def: Readonly<Record<string, any>> };
  clone(def: object, params?: { parent: boolean }): Zod;
  parseAsync(value: unknown): Promise<unknown>;
}

/**
 * A schema in two: what validates the arguments that the model sees, and what is left for the call.
 *
 * Each validator is in exactly one of them. `visible` has the visible members; `rest` has the hidden ones, and what
 * looks at the whole object (`refine`, `transform`).
 */
export interface Split {
  readonly visible: Zod;
  readonly rest: Zod;
}

const WRAPPERS = new Set(["optional", "nullable", "default", "prefault", "readonly", "nonoptional"]);

export function isZod(schema: unknown): schema is Zod {
  return isObject(schema) && isObject(schema._zod) && isObject(schema._zod.def) && typeof schema.clone === "function";
}

/** The two parts of a schema; undefined if it is not made of objects of zod 4. */
export async function split(schema: unknown, hidden: Iterable<string>): Promise<Split | undefined> {
  if (!isZod(schema)) return undefined;
  const { $ZodAny, $ZodOptional } = await import("zod/v4/core");
  // Accepts what `visible` has already accepted.
  const anything = new $ZodOptional({ type: "optional", innerType: new $ZodAny({ type: "any" }) });
  return parted(schema, [...hidden].map(steps), anything);
}

function parted(schema: Zod, ways: readonly string[][], anything: unknown): Split | undefined {
  const { def } = schema._zod;
  if (def.type === "object") return object(schema, ways, anything);
  if (def.type === "pipe" && isZod(def.in)) {
    const inner = parted(def.in, ways, anything);
    return inner && { visible: inner.visible, rest: schema.clone({ ...def, in: inner.rest }) };
  }
  if (WRAPPERS.has(def.type) && isZod(def.innerType)) {
    const inner = parted(def.innerType, ways, anything);
    const visible = inner && schema.clone({ ...def, innerType: inner.visible, checks: [] }, { parent: true });
    return visible && { visible, rest: schema.clone({ ...def, innerType: inner.rest }) };
  }
  return undefined;
}

function object(schema: Zod, ways: readonly string[][], anything: unknown): Split | undefined {
  const { def } = schema._zod;
  const shape: Readonly<Record<string, unknown>> = def.shape;
  const visible: Record<string, unknown> = { ...shape };
  const rest: Record<string, unknown> = {};
  for (const name of Object.keys(shape)) rest[name] = anything;
  for (const name of new Set(ways.map(([first]) => first as string))) {
    if (!Object.hasOwn(shape, name)) return undefined;
    const inner = ways.filter(([first]) => first === name).map((way) => way.slice(1));
    if (inner.some((way) => way.length === 0)) {
      delete visible[name];
      rest[name] = shape[name];
      continue;
    }
    const both = isZod(shape[name]) ? parted(shape[name], inner, anything) : undefined;
    if (both === undefined) return undefined;
    visible[name] = both.visible;
    rest[name] = both.rest;
  }
  return {
    visible: schema.clone({ ...def, shape: visible, checks: [] }, { parent: true }),
    // Further members were accepted, or removed, by `visible`.
    rest: schema.clone({ ...def, shape: rest, catchall: anything }),
  };
}
