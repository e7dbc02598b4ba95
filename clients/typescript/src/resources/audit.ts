import { AsyncResource } from "node:async_hooks";

import type * as api from "../api.js";
import { asIs, type CallOptions, type Runner } from "../http/operation.js";

const LARGEST_PAGE = 1000;

/** Which records to list; times as the API writes them. */
export interface AuditFilter {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly action?: api.Action | undefined;
  readonly secret_id?: string | undefined;
  readonly tool?: string | undefined;
}

export interface AuditPageOptions {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The audit trail, newest first. Needs `audit`. */
export class Audit {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** A page of records; the next one has `cursor: page.next_cursor`. */
  list(filter: AuditFilter & AuditPageOptions = {}, options?: CallOptions): Promise<api.AuditPage> {
    const operation = {
      method: "GET",
      path: "/v1/audit",
      query: { ...filter },
      read: asIs<api.AuditPage>,
      isRepeatable: true,
    } as const;
    return this.#runner.run(operation, options);
  }

  /** All records, page after page. */
  iterate(filter: AuditFilter = {}, options?: CallOptions): AsyncGenerator<api.Record, void, undefined> {
    // Each page is for the user of this call, wherever it is read.
    const bound = AsyncResource.bind((cursor: string | undefined) =>
      this.list({ ...filter, limit: LARGEST_PAGE, cursor }, options),
    );
    return all(bound);
  }
}

async function* all(
  list: (cursor: string | undefined) => Promise<api.AuditPage>,
): AsyncGenerator<api.Record, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
