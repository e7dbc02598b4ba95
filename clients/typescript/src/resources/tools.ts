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
  const read = results(calls, ({ result }, call) => completed(call, result as api.Completed));
  return { method: "POST", path: PATH, body: new Body({ calls: calls.map(wire) }), read, isRepeatable: true };
}

/** The request of `explain`. */
export function explain(call: ToolCall): Operation<api.Explanation> {
  const { tool_name: tool, ...content } = wire(call);
  const path = `/v1/tools/${segment(tool)}/explain`;
  return { method: "POST", path, body: new Body(content), read: asIs<api.Explanation>, isRepeatable: true };
}

/** The request of `explainMany`. */
export function explainMany(calls: readonly ToolCall[]): Operation<Array<api.Explanation | ApiError>> {
  const read = results(calls, ({ result }) => result as api.Explanation);
  return { method: "POST", path: "/v1/explain", body: new Body({ calls: calls.map(wire) }), read, isRepeatable: true };
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

/** Reads the result, or the error, of each call. */
function results<T>(calls: readonly ToolCall[], read: (one: api.CallResult | api.ExplainResult, call: ToolCall) => T) {
  return ({ content }: { content: unknown }): Array<T | ApiError> => {
    const answers = (content as api.CallResults | api.ExplainResults).results;
    if (answers.length !== calls.length) throw new TypeError("a result is missing");
    return answers.map((one, index) => {
      const call = calls[index] as ToolCall;
      if (one.status === 200) return read(one, call);
      const error = ofDetail(one.status, undefined, one.detail);
      if (error instanceof Unresolved) error.tool = call.tool;
      return error;
    });
  };
}

/** What was received and did not change are the caller's own objects, so numbers and dates keep their type. */
function completed({ args: own = {} }: ToolCall, { tool_name, args, applied }: api.Completed): Completed {
  let merged: unknown = { ...args, ...own };
  for (const { arg } of applied) merged = withAt(merged, arg, at(args, arg));
  return new Completed(tool_name, merged as Record<string, unknown>, applied);
}
