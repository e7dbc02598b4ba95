import type * as api from "../api.js";
import { asIs, Body, type CallOptions, data, nothing, type Runner, segment } from "../http/operation.js";

const PATH = "/v1/users";

/** Users. Needs `admin`. */
export class Users {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** All users, or those with this name. */
  list(filter: { readonly name?: string } = {}, options?: CallOptions): Promise<readonly api.User[]> {
    return this.#runner.run(
      { method: "GET", path: PATH, query: filter, read: data<api.User>, isRepeatable: true },
      options,
    );
  }

  /** Creates a user. */
  create(user: api.CreateUser, options?: CallOptions): Promise<api.User> {
    return this.#runner.run({ method: "POST", path: PATH, body: new Body(user), read: asIs<api.User> }, options);
  }

  /** Changes the given fields; null restores a limit's default. */
  update(userId: string, change: api.UpdateUser, options?: CallOptions): Promise<api.User> {
    const path = `${PATH}/${segment(userId)}`;
    return this.#runner.run({ method: "PATCH", path, body: new Body(change), read: asIs<api.User> }, options);
  }

  /** Signs a user out of the dashboard in every browser. Keys and tokens stay valid. */
  endSessions(userId: string, options?: CallOptions): Promise<void> {
    return this.#runner.run({ method: "DELETE", path: `${PATH}/${segment(userId)}/sessions`, read: nothing }, options);
  }

  /** Deletes a user with all their secrets and keys. */
  delete(userId: string, options?: CallOptions): Promise<void> {
    return this.#runner.run({ method: "DELETE", path: `${PATH}/${segment(userId)}`, read: nothing }, options);
  }
}
