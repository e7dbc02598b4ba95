import type { Toolvault } from "../client.js";
import { ConfigurationError } from "../errors.js";
import { isObject } from "../objects.js";
import { Injected } from "./injected.js";
import type { SecretOptions } from "./options.js";
import { overlaps, place, withoutAt } from "./pointer.js";
import { type Declared, declared, type JsonSchema } from "./schema.js";
import { supplier } from "./supplier.js";
import type { Wrapping } from "./tools.js";

type Arguments = Readonly<Record<string, unknown>>;
type Placed<Context> = Omit<SecretOptions<Context>, "toolName"> & { readonly bindings: Record<string, string> };

/** What the vault supplies to one tool: the hidden arguments, and their values for each call. */
export class Injector<Context> {
  /** The arguments that the model does not see. */
  readonly hidden: readonly string[];
  readonly #vault: Toolvault;
  readonly #tool: string;
  readonly #options: Omit<Placed<Context>, "hide">;
  readonly #declared: ReadonlyMap<string, Declared>;

  private constructor(
    vault: Toolvault,
    tool: string,
    options: Omit<Placed<Context>, "hide">,
    known: ReadonlyMap<string, Declared>,
    hidden: readonly string[],
  ) {
    this.#vault = vault;
    this.#tool = tool;
    this.#options = options;
    this.#declared = known;
    this.hidden = hidden;
  }

  /** For a tool with this name and schema; undefined if the vault supplies none of its arguments. */
  static async of<Context>(
    { vault, options, seen }: Wrapping<Context>,
    name: string | undefined,
    schema: JsonSchema,
  ): Promise<Injector<Context> | undefined> {
    const tool = named(name, options);
    const known = declared(schema);
    for (const argument of known.keys()) seen.add(argument);
    const { hide, ...rest } = placed(options);
    const found = hide ?? (await defaults(vault, tool, [...known.keys()], options));
    const bindings = Object.fromEntries(Object.entries(rest.bindings).filter(([argument]) => known.has(argument)));
    const hidden = new Set([...found.filter((argument) => known.has(argument)), ...Object.keys(bindings)]);
    if (hidden.size === 0) return undefined;
    return new Injector(vault, tool, { ...rest, bindings }, known, [...hidden]);
  }

  /** For a tool whose schema is not known. */
  static async named<Context>(
    vault: Toolvault,
    tool: string,
    options: SecretOptions<Context>,
    signal: AbortSignal | undefined,
  ): Promise<Injector<Context>> {
    const { hide, ...rest } = placed(options);
    const found = hide ?? (await defaults(vault, tool, undefined, options, signal));
    const hidden = [...new Set([...found, ...Object.keys(rest.bindings)])];
    const stray = rest.redact?.find((one) => !hidden.some((argument) => overlaps(one, argument)));
    if (stray !== undefined) {
      throw new ConfigurationError(
        `'redact' names '${stray}', which the vault does not supply to tool '${tool}'; name it in 'hide' too`,
      );
    }
    const known = new Map(hidden.map((argument) => [argument, { types: new Set<string>(), isRequired: true }]));
    return new Injector(vault, tool, rest, known, hidden);
  }

  /** The arguments without those that the model cannot see, and so has made up. */
  visible(args: unknown): Arguments {
    let visible: Arguments = isObject(args) ? args : {};
    for (const argument of this.hidden) visible = withoutAt(visible, argument);
    return visible;
  }

  /** A call with these arguments, completed. Rejects with `SecretMissing` or a related error. */
  async inject(args: unknown, context: Context, signal?: AbortSignal): Promise<Injected> {
    const { bindings, redact } = this.#options;
    const require = this.hidden.filter((argument) => {
      const { isRequired = true, types } = this.#declared.get(argument) ?? {};
      return isRequired && !types?.has("null") && !Object.hasOwn(bindings, argument);
    });
    const call = { tool: this.#tool, args: this.visible(args), bindings, accepts: this.hidden, require };
    const user = await this.#acting(context);
    return new Injected(await this.#vault[supplier].supply(call, { user, signal }), this.#declared, redact);
  }

  async #acting(context: Context): Promise<string | undefined> {
    const { user } = this.#options;
    if (typeof user !== "function") return user;
    const found: unknown = await user(context);
    if (typeof found === "string" && found !== "") return found;
    throw new ConfigurationError(`tool '${this.#tool}': the function 'user' returned no user ID for this call`);
  }
}

function named(name: string | undefined, { toolName }: SecretOptions<any>): string {
  const tool = typeof toolName === "function" && name !== undefined ? toolName(name) : (toolName ?? name);
  if (typeof tool === "string" && tool !== "") return tool;
  throw new ConfigurationError("this tool has no name of its own: give toolName, or the tools as a record by name");
}

/** The options, in which each argument is named by its place. */
function placed<Context>(options: SecretOptions<Context>): Placed<Context> {
  const given = Object.entries(options.bindings ?? {});
  const bindings = Object.fromEntries(given.map(([argument, one]) => [place(argument), one]));
  const twice = given.find(([argument, one]) => bindings[place(argument)] !== one);
  if (twice) throw new ConfigurationError(`'bindings' has two references for '${place(twice[0])}'; give one`);
  return { user: options.user, hide: options.hide?.map(place), redact: options.redact?.map(place), bindings };
}

async function defaults(
  vault: Toolvault,
  tool: string,
  accepts: readonly string[] | undefined,
  { user, bindings }: SecretOptions<any>,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (typeof user !== "function") return (await vault[supplier].hidden(tool, accepts, { user, signal })).map(place);
  if (bindings) return [];
  throw new ConfigurationError(
    `tool '${tool}': give 'hide', because which secrets there are depends on the user, who is known only at the call`,
  );
}
