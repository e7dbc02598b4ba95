import type * as api from "../api.js";
import { asIs, Body, type CallOptions, data, type Runner, segment } from "../http/operation.js";

const PATH = "/v1/connections";

/** Sign-ins at tool servers (OAuth). Needs `manage`. No answer has a token. */
export class Connections {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** The servers at which the user is signed in, and those that are known to want it. */
  list(options?: CallOptions): Promise<readonly api.Connection[]> {
    return this.#runner.run({ method: "GET", path: PATH, read: data<api.Connection>, isRepeatable: true }, options);
  }

  /** Finds where the person signs in: open its `url` in their browser. */
  begin(server: string, request: api.BeginConnection = {}, options?: CallOptions): Promise<api.BegunSignInAtServer> {
    const path = `${PATH}/${segment(server)}/begin`;
    const read = asIs<api.BegunSignInAtServer>;
    return this.#runner.run({ method: "POST", path, body: new Body(request), read }, options);
  }

  /** Ends a sign-in with the query of the URL to which the person came back. */
  complete(server: string, request: api.CompleteConnection, options?: CallOptions): Promise<api.Connection> {
    const path = `${PATH}/${segment(server)}/complete`;
    return this.#runner.run({ method: "POST", path, body: new Body(request), read: asIs<api.Connection> }, options);
  }

  /** Deletes the tokens, and asks the authorization server to revoke them. */
  delete(server: string, options?: CallOptions): Promise<api.DeletedConnection> {
    const path = `${PATH}/${segment(server)}`;
    return this.#runner.run({ method: "DELETE", path, read: asIs<api.DeletedConnection> }, options);
  }
}
