import type * as api from "../api.js";
import { Confidential } from "../confidential.js";
import { type Answer, asIs, Body, type CallOptions, data, nothing, type Runner, segment } from "../http/operation.js";
import type { IssuedKey } from "../models.js";

const PATH = "/v1/keys";

/** API keys. Needs `manage`. */
export class Keys {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** The user's keys or, with `admin`, those of another user. */
  list(filter: { readonly user_id?: string } = {}, options?: CallOptions): Promise<readonly api.Key[]> {
    return this.#runner.run(
      { method: "GET", path: PATH, query: filter, read: data<api.Key>, isRepeatable: true },
      options,
    );
  }

  /** Creates a key. `expires_in` is in seconds; `tools` are patterns that limit all its scopes. */
  create(key: api.CreateKey, options?: CallOptions): Promise<IssuedKey> {
    return this.#runner.run({ method: "POST", path: PATH, body: new Body(key), read: issued }, options);
  }

  /** Renames a key, or narrows its scopes or its lifetime. */
  update(keyId: string, change: api.UpdateKey, options?: CallOptions): Promise<api.Key> {
    const path = `${PATH}/${segment(keyId)}`;
    return this.#runner.run({ method: "PATCH", path, body: new Body(change), read: asIs<api.Key> }, options);
  }

  /** Creates a successor; the old key stays valid during the overlap. */
  rotate(keyId: string, rotation: api.RotateKey = {}, options?: CallOptions): Promise<IssuedKey> {
    const path = `${PATH}/${segment(keyId)}/rotate`;
    return this.#runner.run({ method: "POST", path, body: new Body(rotation), read: issued }, options);
  }

  /** Revokes a key and its descendants. */
  delete(keyId: string, options?: CallOptions): Promise<void> {
    return this.#runner.run({ method: "DELETE", path: `${PATH}/${segment(keyId)}`, read: nothing }, options);
  }
}

function issued({ content }: Answer): IssuedKey {
  const key = content as api.IssuedKey;
  return { ...key, key: new Confidential(key.key) };
}
