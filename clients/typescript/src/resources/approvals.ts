import type * as api from "../api.js";
import { asIs, Body, type CallOptions, nothing, type Runner, segment } from "../http/operation.js";

const PATH = "/v1/approvals";

/** Calls through the gateway that wait for a person, and what is allowed. Needs `manage`. */
export class Approvals {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** One page of them, newest first. */
  list(
    page: { readonly limit?: number; readonly offset?: number } = {},
    options?: CallOptions,
  ): Promise<api.ApprovalList> {
    const read = asIs<api.ApprovalList>;
    return this.#runner.run({ method: "GET", path: PATH, query: page, read, isRepeatable: true }, options);
  }

  get(approvalId: string, options?: CallOptions): Promise<api.Approval> {
    const path = `${PATH}/${segment(approvalId)}`;
    return this.#runner.run({ method: "GET", path, read: asIs<api.Approval>, isRepeatable: true }, options);
  }

  /** Allows or refuses a call that waits. The key that made the call cannot decide it. */
  decide(approvalId: string, decision: api.DecideApproval, options?: CallOptions): Promise<api.Approval> {
    const path = `${PATH}/${segment(approvalId)}`;
    return this.#runner.run({ method: "POST", path, body: new Body(decision), read: asIs<api.Approval> }, options);
  }

  /** Revokes what is allowed, or withdraws a call that waits. */
  delete(approvalId: string, options?: CallOptions): Promise<void> {
    return this.#runner.run({ method: "DELETE", path: `${PATH}/${segment(approvalId)}`, read: nothing }, options);
  }
}
