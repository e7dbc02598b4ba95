import { MockLanguageModelV3, MockLanguageModelV4, simulateReadableStream } from "ai/test";

import type { Call } from "../../frameworks/contract.js";

const USAGE: any = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** A model that makes these calls, and then finishes. */
export function scripted(calls: readonly Call[]): MockLanguageModelV4 {
  return new MockLanguageModelV4(replies(calls));
}

/** The same for frameworks that take models of an earlier version. */
export function scriptedV3(calls: readonly Call[]): MockLanguageModelV3 {
  return new MockLanguageModelV3(replies(calls));
}

function replies(calls: readonly Call[]): any {
  const asked = calls.map(({ name, args }, index) => {
    return { type: "tool-call", toolCallId: `c${index}`, toolName: name, input: JSON.stringify(args) } as const;
  });
  const reply = (prompt: readonly { role: string }[]) => {
    const isDone = prompt.some(({ role }) => role === "tool");
    const unified = isDone ? ("stop" as const) : ("tool-calls" as const);
    return { asked: isDone ? [] : asked, finishReason: { unified, raw: undefined } };
  };
  return {
    doGenerate: async ({ prompt }: any) => {
      const { asked: content, finishReason } = reply(prompt);
      return { content, finishReason, usage: USAGE, warnings: [] };
    },
    doStream: async ({ prompt }: any) => {
      const { asked: parts, finishReason } = reply(prompt);
      const chunks: any[] = [
        { type: "stream-start", warnings: [] },
        ...parts,
        { type: "finish", finishReason, usage: USAGE },
      ];
      return { stream: simulateReadableStream({ chunks }) };
    },
  };
}
