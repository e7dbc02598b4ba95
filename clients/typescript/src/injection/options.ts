/** The user for whom a call acts: an ID, or a function of what the framework passes to the tool. */
export type Acting<Context> = string | ((context: Context) => string | undefined | Promise<string | undefined>);

/** How the vault supplies the arguments of tools. */
export interface SecretOptions<Context = unknown> {
  /** The name by which the vault knows the tool, or a function of its own name. Default: its own name. */
  readonly toolName?: string | ((name: string) => string) | undefined;
  /**
   * The arguments that the model must never fill in: names, or JSON Pointers such as `/params/api_key`.
   *
   * Default: those for which the vault has a default for this tool.
   */
  readonly hide?: readonly string[] | undefined;
  /** References such as `secret://linear-prod`, by argument. */
  readonly bindings?: Readonly<Record<string, string>> | undefined;
  /** The arguments whose values are redacted in results. Default: as the policy of each secret says. */
  readonly redact?: readonly string[] | undefined;
  /** For whom a key with `any_user` acts. Default: as `vault.actingFor` says, else the client's `user`. */
  readonly user?: Acting<Context> | undefined;
}
