import { ConfigurationError } from "../errors.js";
import { isObject, isReference } from "../objects.js";
import { place, placeOf, pointer, steps } from "./pointer.js";

/** A JSON schema of arguments. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const COMPOSED = ["allOf", "anyOf", "oneOf"] as const;
const CONDITIONAL = ["if", "then", "else", "not"] as const;
const DEPENDENT = ["dependentSchemas", "dependencies"] as const;
const NAMED = ["properties", "patternProperties", "dependentRequired", "dependentSchemas", "dependencies"] as const;
const LISTED = ["required", "propertyOrdering"] as const;
const EXAMPLES = ["examples", "example", "default", "const", "enum"] as const;
const DEEPEST = 8;

/** An argument that a schema declares. */
export interface Declared {
  /** What the value may be; undefined if the schema does not say. */
  readonly types: ReadonlySet<string>;
  /** Whether each object on the way to it must have it. */
  readonly isRequired: boolean;
}

/** The arguments in a schema by their places. */
export function declared(schema: JsonSchema): Map<string, Declared> {
  const found = new Map<string, Declared>();
  collect(schema, schema, [], true, found);
  return found;
}

function collect(
  root: JsonSchema,
  schema: unknown,
  way: readonly string[],
  isRequired: boolean,
  found: Map<string, Declared>,
): void {
  if (way.length >= DEEPEST) return;
  for (const node of branches(root, schema)) {
    const required = Array.isArray(node.required) ? node.required : [];
    for (const [name, member] of Object.entries(isObject(node.properties) ? node.properties : {})) {
      const [inner, needed] = [[...way, name], isRequired && required.includes(name)];
      const earlier = found.get(placeOf(inner));
      const types = new Set([...(earlier?.types ?? []), ...branches(root, member).flatMap(typesOf)]);
      found.set(placeOf(inner), { types, isRequired: needed || earlier?.isRequired === true });
      collect(root, member, inner, needed, found);
    }
  }
}

/** A schema, what it refers to, and the schemas that it is composed of. */
function branches(root: JsonSchema, schema: unknown, seen: ReadonlySet<unknown> = new Set()): JsonSchema[] {
  if (!isObject(schema) || seen.has(schema)) return [];
  const below = new Set([...seen, schema]);
  const composed = COMPOSED.flatMap((keyword) => (Array.isArray(schema[keyword]) ? schema[keyword] : []));
  return [schema, ...[referred(root, schema), ...composed].flatMap((one) => branches(root, one, below))];
}

function typesOf({ type }: JsonSchema): string[] {
  return [type].flat().filter((one): one is string => typeof one === "string");
}

function referred(root: JsonSchema, { $ref }: JsonSchema): unknown {
  if (typeof $ref !== "string" || !$ref.startsWith("#")) return undefined;
  let found: unknown = root;
  for (const step of $ref === "#" ? [] : steps(decodeURIComponent($ref.slice(1)))) {
    found = (found as Record<string, unknown> | undefined)?.[step];
  }
  return found;
}

/**
 * The schema without these arguments, in each of its branches. Schemas that the way leads through are written out.
 * Throws `ConfigurationError` if an argument cannot be hidden.
 */
export function without(schema: JsonSchema, hidden: readonly string[]): JsonSchema {
  let reduced = schema;
  for (const argument of hidden) reduced = removed(reduced, reduced, steps(argument), new Set());
  if (reduced === schema) return schema;
  const clean = used(reduced);
  const left = declared(clean);
  const shown = hidden.find((argument) => left.has(place(argument)));
  if (shown === undefined) return clean;
  throw new ConfigurationError(
    `'${shown}' cannot be hidden in a schema that refers to itself; describe it in one object`,
  );
}

/** The schema without the definitions that nothing refers to any more: they would show what was removed. */
function used(schema: JsonSchema): JsonSchema {
  const reached = new Set<string>();
  const visit = (node: unknown): void => {
    if (!isReference(node)) return;
    const { $ref } = node as JsonSchema;
    if (typeof $ref === "string" && !reached.has($ref)) {
      reached.add($ref);
      visit(referred(schema, { $ref }));
    }
    for (const one of Object.values(node)) visit(one);
  };
  const { $defs, definitions, ...rest } = schema;
  visit(rest);
  const kept = Object.entries({ $defs, definitions }).map(([keyword, all]) => {
    const isUsed = ([name]: [string, unknown]) =>
      [...reached].some((ref) => `${ref}/`.startsWith(`#/${keyword}${pointer([name])}/`));
    return [keyword, Object.fromEntries(Object.entries((all as object) ?? {}).filter(isUsed))] as const;
  });
  return { ...rest, ...Object.fromEntries(kept.filter(([, all]) => Object.keys(all).length > 0)) };
}

function removed(
  root: JsonSchema,
  schema: JsonSchema,
  [step, ...rest]: readonly string[],
  seen: ReadonlySet<JsonSchema>,
): JsonSchema {
  if (step === undefined || seen.has(schema)) return schema;
  const below = new Set([...seen, schema]);
  const inner = (one: unknown) => (isObject(one) ? removed(root, one, [step, ...rest], below) : one);
  const { $ref: _, ...own } = schema;
  const target = referred(root, schema);
  const node: Record<string, unknown> = isObject(target) ? { ...(inner(target) as JsonSchema), ...own } : { ...schema };
  for (const keyword of COMPOSED) if (Array.isArray(node[keyword])) node[keyword] = node[keyword].map(inner);
  for (const keyword of CONDITIONAL) if (keyword in node) node[keyword] = inner(node[keyword]);
  for (const keyword of DEPENDENT) {
    if (!isObject(node[keyword])) continue;
    node[keyword] = Object.fromEntries(Object.entries(node[keyword]).map(([name, one]) => [name, inner(one)]));
  }
  // An example of the whole would show the argument.
  for (const keyword of EXAMPLES) if ([node[keyword]].flat().some(isObject)) delete node[keyword];
  if (rest.length === 0) return withoutMember(node, step);
  const properties = isObject(node.properties) ? { ...node.properties } : {};
  const member = properties[step];
  if (!isObject(member)) return node;
  properties[step] = removed(root, member, rest, new Set());
  return { ...node, properties };
}

function withoutMember(node: Record<string, unknown>, name: string): JsonSchema {
  for (const keyword of NAMED) {
    const members = node[keyword];
    if (isObject(members)) node[keyword] = withoutKey(members, name);
  }
  for (const keyword of LISTED) {
    const names = node[keyword];
    if (Array.isArray(names)) node[keyword] = names.filter((one) => one !== name);
  }
  for (const keyword of ["dependentRequired", "dependencies"]) {
    const needed = node[keyword];
    if (!isObject(needed)) continue;
    const others = (names: unknown) => (Array.isArray(names) ? names.filter((one) => one !== name) : names);
    node[keyword] = Object.fromEntries(Object.entries(needed).map(([key, names]) => [key, others(names)]));
  }
  return node;
}

function withoutKey(members: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([key]) => key !== name));
}
