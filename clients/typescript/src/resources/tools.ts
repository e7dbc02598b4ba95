import type * as api from "../api.js";
import { type ApiError, Unresolved } from "../errors.js";
import { asIs, Body, type Operation, segment } from "../http/operation.js";
import { ofDetail } from "../http/refusal.js";
import { at, withAt } from "../injection/pointer.js";
import { Completed, type ToolCall } from "../models.js";

const PATH = "/v1/resolve";

/** The request of `resolve`. The name is in the body, where logs of URLs do not show it and proxies do not rewrite it. */
export function resolve(call: ToolCall): Operation<Completed> {
  const read = ({ content }: { content: unknown }) => completed(call, content as api.Completed);
  return { method: "POST", path: PATH, body: new Body(wire(call)), read, isRepeatable: true, tool: call.tool };
}

/** The request of `resolveMany`. */
export function resolveMany(calls: readonly ToolCall[]): Operation<Array<Completed | ApiError>> {
  const read = ({ content }: { content: unknown }) => {
    const { results } = content as api.CallResults;
    if (results.length !== calls.length) throw new TypeError("a result is missing");
    return calls.map((call, index) => result(call, results[index] as api.CallResult));
  };
  return { method: "POST", path: PATH, body: new Body({ calls: calls.map(wire) }), read, isRepeatable: true };
}

/** The request of `explain`. */
export function explain(call: ToolCall): Operation<api.Explanation> {
  const { tool_name: tool, ...content } = wire(call);
  const path = `/v1/tools/${segment(tool)}/explain`;
  return { method: "POST", path, body: new Body(content), read: asIs<api.Explanation>, isRepeatable: true };
}

function wire({ tool, args, bindings, accepts, require }: ToolCall): api.ToolCall {
  return {
    tool_name: tool,
    args: args ?? {},
    bindings: bindings ?? {},
    accepts: accepts ?? null,
    require: require ?? [],
  };
}

function result(call: ToolCall, received: api.CallResult): Completed | ApiError {
  if (received.status === 200 && received.result) return completed(call, received.result);
  const error = ofDetail(received.status, undefined, received.detail);
  if (error instanceof Unresolved) error.tool = call.tool;
  return error;
}

/** What was received and did not change are the caller's own objects, so numbers and dates keep their type. */
function completed({ args: own = {} }: ToolCall, { tool_name, args, applied }: api.Completed): Completed {
  let merged: unknown = { ...args, ...own };
  for (const { arg } of applied) merged = withAt(merged, arg, at(args, arg));
  return new Completed(tool_name, merged as Record<string, unknown>, applied);
}
