import { type Model, type ModelRequest, Usage } from "@openai/agents";

import type { Call } from "../../frameworks/contract.js";

/** A model that makes these calls, and then finishes. */
export class Scripted implements Model {
  readonly requests: ModelRequest[] = [];
  readonly #calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    this.#calls = calls;
  }

  async getResponse(request: ModelRequest): Promise<any> {
    this.requests.push(request);
    const isDone = Array.isArray(request.input) && request.input.some(({ type }) => type === "function_call_result");
    const calls = this.#calls.map(({ name, args }, index) => {
      const text = typeof args === "string" ? args : JSON.stringify(args);
      return { type: "function_call", callId: `c${index}`, name, arguments: text, status: "completed" };
    });
    const said = {
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "done" }],
    };
    return { usage: new Usage(), output: isDone ? [said] : calls };
  }

  getStreamedResponse(): any {
    throw new Error("not used");
  }
}
