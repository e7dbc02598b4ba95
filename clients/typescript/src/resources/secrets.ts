import { AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";

import type * as api from "../api.js";
import { Confidential } from "../confidential.js";
import { type Answer, asIs, Body, type CallOptions, data, nothing, type Runner, segment } from "../http/operation.js";
import type { SecretInfo } from "../models.js";

const PATH = "/v1/secrets/";
const LARGEST_PAGE = 1000;

/** Which secrets to list: those with this name, with a pattern that matches a tool, or with `q` in the name. */
export interface SecretFilter {
  readonly secret_name?: string | undefined;
  readonly tool_name?: string | undefined;
  readonly q?: string | undefined;
}

export interface PageOptions {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export type NewSecret = Omit<api.NewSecret, "secret_value"> & { readonly secret_value: string | Confidential };

/** The fields to change; null unbinds `tool_name` or `tool_arg`. */
export type SecretChange = Omit<api.SecretMergePatch, "secret_value"> & {
  readonly secret_value?: string | Confidential;
};

/** Only if the secret has not changed since the answer with this `etag`. */
export interface ChangeOptions extends CallOptions {
  readonly ifMatch?: string | undefined;
}

/** Secrets, their versions and their policies. Needs `manage`; no call returns a value. */
export class Secrets {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** A page, oldest first. */
  list(filter: SecretFilter & PageOptions = {}, options?: CallOptions): Promise<api.SecretList> {
    const operation = {
      method: "GET",
      path: PATH,
      query: { ...filter },
      read: asIs<api.SecretList>,
      isRepeatable: true,
    } as const;
    return this.#runner.run(operation, options);
  }

  /** All secrets, page by page. Concurrent changes do not hide a secret that existed all the time. */
  iterate(filter: SecretFilter = {}, options?: CallOptions): AsyncGenerator<api.SecretInfo, void, undefined> {
    // Each page is for the user of this call, wherever it is read.
    return all(AsyncResource.bind((offset: number) => this.list({ ...filter, limit: LARGEST_PAGE, offset }, options)));
  }

  /** Stores a secret. Retries with the same `idempotencyKey` (random by default) store it only once. */
  create(secret: NewSecret, options: CallOptions & { idempotencyKey?: string } = {}): Promise<SecretInfo> {
    const body = new Body({ ...secret, secret_value: new Confidential(secret.secret_value) });
    const headers = { "idempotency-key": options.idempotencyKey ?? randomUUID() };
    const operation = { method: "POST", path: PATH, body, headers, read: info, isRepeatable: true } as const;
    return this.#runner.run(operation, options);
  }

  /** One secret without its value. */
  get(secretId: string, options?: CallOptions): Promise<SecretInfo> {
    return this.#runner.run({ method: "GET", path: PATH + segment(secretId), read: info, isRepeatable: true }, options);
  }

  /** Changes the given fields. */
  update(secretId: string, change: SecretChange, options: ChangeOptions = {}): Promise<SecretInfo> {
    const { secret_value: value, ...others } = change;
    const content = value === undefined ? others : { ...others, secret_value: new Confidential(value) };
    // In plain JSON a null counts as not given; only a merge patch clears.
    const body = new Body(content, "application/merge-patch+json");
    return this.#runner.run(
      { method: "PATCH", path: PATH + segment(secretId), body, read: info, headers: match(options) },
      options,
    );
  }

  /** Replaces the value with one of 4 to 65,536 bytes, such as a PEM file or the JSON of a service account. */
  putValue(secretId: string, value: string | Confidential, options: ChangeOptions = {}): Promise<SecretInfo> {
    const body = new Body(new Confidential(value), "application/octet-stream");
    const path = `${PATH}${segment(secretId)}/value`;
    return this.#runner.run({ method: "PUT", path, body, read: info, headers: match(options) }, options);
  }

  /** Deletes a secret with all its versions. */
  delete(secretId: string, options: ChangeOptions = {}): Promise<void> {
    const operation = {
      method: "DELETE",
      path: PATH + segment(secretId),
      read: nothing,
      headers: match(options),
    } as const;
    return this.#runner.run(operation, options);
  }

  /** The versions that are kept, without their values. */
  versions(secretId: string, options?: CallOptions): Promise<readonly api.Version[]> {
    const path = `${PATH}${segment(secretId)}/versions`;
    return this.#runner.run({ method: "GET", path, read: data<api.Version>, isRepeatable: true }, options);
  }

  /** Makes an old value the newest version. */
  restore(secretId: string, version: number, options?: CallOptions): Promise<SecretInfo> {
    const path = `${PATH}${segment(secretId)}/versions/${segment(version)}/restore`;
    return this.#runner.run({ method: "POST", path, read: info }, options);
  }

  /** Deletes an old version. */
  deleteVersion(secretId: string, version: number, options?: CallOptions): Promise<void> {
    const path = `${PATH}${segment(secretId)}/versions/${segment(version)}`;
    return this.#runner.run({ method: "DELETE", path, read: nothing }, options);
  }

  /** The policy of a secret. */
  policy(secretId: string, options?: CallOptions): Promise<api.Policy> {
    const path = `${PATH}${segment(secretId)}/policy`;
    return this.#runner.run({ method: "GET", path, read: asIs<api.Policy>, isRepeatable: true }, options);
  }

  /** Replaces the policy; fields that are not given get their defaults. */
  setPolicy(secretId: string, policy: api.SetPolicy, options?: CallOptions): Promise<api.Policy> {
    const path = `${PATH}${segment(secretId)}/policy`;
    return this.#runner.run({ method: "PUT", path, body: new Body(policy), read: asIs<api.Policy> }, options);
  }

  /** The policies that differ from the default. */
  policies(options?: CallOptions): Promise<readonly api.PolicyInfo[]> {
    return this.#runner.run(
      { method: "GET", path: "/v1/policies", read: data<api.PolicyInfo>, isRepeatable: true },
      options,
    );
  }
}

function info({ content, headers }: Answer): SecretInfo {
  const { etag, "toolvault-warning": warnings = [] } = headers;
  return { ...(content as api.SecretInfo), etag: etag as string | undefined, warnings: [warnings].flat() };
}

function match({ ifMatch }: ChangeOptions): Record<string, string | undefined> {
  return { "if-match": ifMatch };
}

async function* all(
  list: (offset: number) => Promise<api.SecretList>,
): AsyncGenerator<api.SecretInfo, void, undefined> {
  const seen = new Set<string>();
  let last: string | undefined;
  let offset = 0;
  while (true) {
    // Pages overlap by one secret. If the overlap is missing, something was deleted meanwhile.
    const page = await list(offset);
    if (last !== undefined && page.data[0]?.secret_id !== last) {
      last = undefined;
      offset = 0;
      continue;
    }
    for (const one of page.data) {
      if (!seen.has(one.secret_id)) yield one;
      seen.add(one.secret_id);
    }
    if (page.data.length === 0 || offset + page.data.length >= page.total) return;
    last = page.data.at(-1)?.secret_id;
    offset += page.data.length - 1;
  }
}
