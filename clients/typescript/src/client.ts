import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";

import type * as api from "./api.js";
import type { ApiError } from "./errors.js";
import { asIs, Body, type CallOptions, data, type Operation, type Runner, segment } from "./http/operation.js";
import { Sender } from "./http/sender.js";
import { type ClientOptions, identified, settings } from "./http/settings.js";
import type { Injected } from "./injection/injected.js";
import { Injector } from "./injection/injector.js";
import type { SecretOptions } from "./injection/options.js";
import { Supplier, supplier } from "./injection/supplier.js";
import type { Completed, ResolveOptions, ToolCall } from "./models.js";
import { Approvals } from "./resources/approvals.js";
import { Audit } from "./resources/audit.js";
import { Connections } from "./resources/connections.js";
import { Keys } from "./resources/keys.js";
import { Secrets } from "./resources/secrets.js";
import * as tools from "./resources/tools.js";
import { Users } from "./resources/users.js";

/** A client for a Toolvault server, with one credential. */
export class Toolvault implements Runner {
  /** The server's address. */
  readonly url: string;
  readonly secrets: Secrets;
  readonly keys: Keys;
  readonly users: Users;
  readonly audit: Audit;
  readonly connections: Connections;
  readonly approvals: Approvals;
  /** @internal */
  readonly [supplier]: Supplier;
  readonly #acting = new AsyncLocalStorage<string>();
  readonly #runner: Runner & { close?(): void };

  /** Throws `ConfigurationError`. `runner` takes the server's place in tests. */
  constructor(options: ClientOptions = {}, runner?: Runner) {
    const found = settings(options);
    this.url = found.url.href.replace(/\/$/, "");
    this.#runner = runner ?? new Sender(found);
    this.secrets = new Secrets(this);
    this.keys = new Keys(this);
    this.users = new Users(this);
    this.audit = new Audit(this);
    this.connections = new Connections(this);
    this.approvals = new Approvals(this);
    this[supplier] = new Supplier(this.#runner, (user) => this.#user(user));
    for (const name of ["url", "secrets", "keys", "users", "audit", "connections", "approvals", supplier] as const) {
      Object.defineProperty(this, name, { enumerable: name === "url", writable: false });
    }
  }

  /**
   * The completed arguments of a tool call. Needs `resolve`.
   *
   * `args` come from a model and are data. Rejects with `SecretMissing` or a related error, with the argument's name.
   */
  resolve(
    tool: string,
    args?: Readonly<Record<string, unknown>>,
    options: ResolveOptions & CallOptions = {},
  ): Promise<Completed> {
    return this.run(tools.resolve({ tool, args, ...options }), options);
  }

  /** Up to 100 calls at once. Has for each the result of `resolve`, or the error with which it would reject. */
  resolveMany(calls: readonly ToolCall[], options?: CallOptions): Promise<Array<Completed | ApiError>> {
    return this.run(tools.resolveMany(calls), options);
  }

  /** What `resolve` would do with the same call, and why; without values. */
  explain(
    tool: string,
    args?: Readonly<Record<string, unknown>>,
    options: ResolveOptions & CallOptions = {},
  ): Promise<api.Explanation> {
    return this.run(tools.explain({ tool, args, ...options }), options);
  }

  /** Up to 100 calls at once. Has for each the result of `explain`, or the error with which it would reject. */
  explainMany(calls: readonly ToolCall[], options?: CallOptions): Promise<Array<api.Explanation | ApiError>> {
    return this.run(tools.explainMany(calls), options);
  }

  /**
   * A call of a tool in any runtime: `(await vault.inject(name, args)).run(tool)`.
   *
   * What the model made up for an argument that the vault supplies is dropped. Values are redacted in what the tool
   * returns or throws.
   */
  async inject(
    tool: string,
    args: Readonly<Record<string, unknown>> = {},
    options: Omit<SecretOptions, "toolName" | "user"> & CallOptions = {},
  ): Promise<Injected> {
    return (await Injector.named(this, tool, options, options.signal)).inject(args, undefined, options.signal);
  }

  /** Calls a function, in which this client acts for a user. The key needs `any_user`. */
  actingFor<T>(user: string, act: () => T): T {
    return this.#acting.run(identified(user), act);
  }

  /** The user that `actingFor` has set here. */
  get currentUser(): string | undefined {
    return this.#acting.getStore();
  }

  /** The user and the rights of the credential. */
  me(options?: CallOptions): Promise<api.Me> {
    return this.run({ method: "GET", path: "/v1/me", read: asIs<api.Me>, isRepeatable: true }, options);
  }

  /** How much the user has stored. */
  usage(options?: CallOptions): Promise<api.Usage> {
    return this.run({ method: "GET", path: "/v1/usage", read: asIs<api.Usage>, isRepeatable: true }, options);
  }

  /** When the user's secrets were last used, and how often on each of the last 30 days. */
  secretUses(options?: CallOptions): Promise<api.SecretUses> {
    return this.run({ method: "GET", path: "/v1/uses", read: asIs<api.SecretUses>, isRepeatable: true }, options);
  }

  /** The servers behind the gateway, with their tools and what is missing. */
  gateway(options?: CallOptions): Promise<api.Gateway> {
    return this.run({ method: "GET", path: "/v1/gateway", read: asIs<api.Gateway>, isRepeatable: true }, options);
  }

  /** What the tools of a server behind the gateway are pinned as, and how they changed. Needs `admin`. */
  async pins(server: string, options?: CallOptions): Promise<readonly api.ToolPin[]> {
    const path = `/v1/gateway/pins/${segment(server)}`;
    return this.run({ method: "GET", path, read: data<api.ToolPin>, isRepeatable: true }, options);
  }

  /** Accepts the last change of a tool, if it is still this one. Needs `admin`. */
  async acceptTool(server: string, change: api.AcceptTool, options?: CallOptions): Promise<api.ToolPin> {
    const path = `/v1/gateway/pins/${segment(server)}`;
    return this.run({ method: "POST", path, body: new Body(change), read: asIs<api.ToolPin> }, options);
  }

  /** @internal */
  async run<T>(operation: Operation<T>, options: CallOptions = {}): Promise<T> {
    const { user, signal } = options;
    try {
      return await this.#runner.run(operation, { user: this.#user(user), signal });
    } finally {
      // A change of this client holds at once.
      if (operation.method !== "GET" && operation.path.startsWith("/v1/secrets")) this[supplier].forget();
    }
  }

  /** The user of a call that is made here and now. Undefined is the client's own, or the key's. */
  #user(given: string | undefined): string | undefined {
    return given === undefined ? this.currentUser : identified(given);
  }

  /** Closes the connections. */
  close(): void {
    this.#runner.close?.();
  }

  toJSON(): object {
    return { url: this.url };
  }

  [inspect.custom](): string {
    return `Toolvault(${JSON.stringify(this.url)})`;
  }
}
