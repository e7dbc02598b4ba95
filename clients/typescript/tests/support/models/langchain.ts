import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";

import type { Call } from "../../frameworks/contract.js";

/** A model that makes these calls, and then finishes. */
export class Scripted extends BaseChatModel {
  readonly prompts: BaseMessage[][] = [];
  bound: any[] = [];
  readonly #calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    super({});
    this.#calls = calls;
  }

  _llmType(): string {
    return "scripted";
  }

  override bindTools(tools: any[]): this {
    this.bound = tools.map((one) => convertToOpenAITool(one));
    return this;
  }

  async _generate(messages: BaseMessage[]) {
    this.prompts.push(messages);
    const isDone = messages.some((one) => ToolMessage.isInstance(one));
    const calls = this.#calls.map(({ name, args }, index) => ({
      id: `c${index}`,
      name,
      args,
      type: "tool_call" as const,
    }));
    const message = new AIMessage({ content: isDone ? "done" : "", tool_calls: isDone ? [] : (calls as any) });
    return { generations: [{ text: "", message }] };
  }
}
