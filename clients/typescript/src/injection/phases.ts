import { split, type Zod } from "./zod.js";

/** How the arguments of a wrapped tool are validated: what the model said, and then the whole, each validator once. */
export interface Phases {
  /** Validates the visible arguments; undefined if everything is left for the call. */
  readonly visible: Zod | undefined;
  /** Validates what is left, and returns the arguments for the tool. */
  readonly rest: (args: unknown) => Promise<unknown>;
}

/**
 * The phases for a tool with this schema. Objects of zod 4 are validated in two phases; for others, `whole` validates
 * all arguments at the call.
 */
export async function phases(
  schema: unknown,
  hidden: readonly string[],
  whole: (args: unknown) => Promise<unknown>,
): Promise<Phases> {
  const both = await split(schema, hidden);
  if (both === undefined) return { visible: undefined, rest: whole };
  return { visible: both.visible, rest: (args) => both.rest.parseAsync(args) };
}

/** Validates with a schema of any library: https://standardschema.dev */
export async function standard(schema: unknown, args: unknown): Promise<unknown> {
  const validate = (schema as any)?.["~standard"]?.validate;
  if (validate === undefined) return args;
  const { issues, value } = await validate(args);
  if (issues === undefined) return value;
  throw new TypeError(issues.map(({ message }: { message: string }) => message).join("; "));
}
