/**
 * What a secret adds to one tool call: beside the tool alone, and beside a bare HTTP exchange with the same server.
 *
 *     npx tsc --project tsconfig.build.json && npx tsc
 *     TOOLVAULT_BINARY=../../target/release/toolvault node build/tests/bench.js
 */

import { Agent, request } from "node:http";

import { tool as langchainTool } from "@langchain/core/tools";
import { createTool } from "@mastra/core/tools";
import { tool as openaiTool, RunContext } from "@openai/agents";
import { tool as aiTool } from "ai";
import * as ai from "toolvault/ai";
import * as langchain from "toolvault/langchain";
import * as mastra from "toolvault/mastra";
import * as openai from "toolvault/openai-agents";
import { z } from "zod";

import { Server } from "./support/server.js";

const [ROUNDS, CALLS, TOGETHER] = [20, 20, 20];

/** The fastest round of each call, which other programs on the machine disturbed least. They take turns. */
async function microseconds(...calls: Array<() => Promise<unknown>>): Promise<number[]> {
  const fastest = calls.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, call] of calls.entries()) {
      const began = performance.now();
      for (let count = 0; count < CALLS; count += 1) await call();
      fastest[at] = Math.min(fastest[at] as number, ((performance.now() - began) / CALLS) * 1000);
    }
  }
  return fastest;
}

const server = await Server.start();
const vault = server.operator();
const binding = { tool_name: "bench", tool_arg: "key", is_default_for_tool: true };
await vault.secrets.create({ secret_name: "linear", secret_value: "lin_api_0123456789abcdef", ...binding });

const agent = new Agent({ keepAlive: true });
const body = JSON.stringify({ tool_name: "bench", args: { q: "a" }, accepts: ["key"], require: ["key"] });
const headers = {
  authorization: `Bearer ${server.operatorKey}`,
  "content-type": "application/json",
  "content-length": body.length,
};
const options = { method: "POST", agent, headers };

function exchange(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/v1/resolve`, options, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      resolve(JSON.parse(text));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const parameters = z.object({ q: z.string(), key: z.string().optional() });
const execute = async ({ q }: { q: string }) => q;
const named = { name: "bench", description: "Finds an issue." };
const input = { q: "a" };
const ofLangchain = langchainTool(execute, { ...named, schema: parameters });
const ofMastra = createTool({ id: "bench", description: "Finds.", inputSchema: parameters, execute: execute as any });
const ofAi = aiTool({ inputSchema: parameters, execute });
const ofOpenai = { ...named, parameters: z.object({ q: z.string(), key: z.string().nullable() }), execute };
const alone = openaiTool(ofOpenai);
const both = openaiTool(await openai.withSecrets(ofOpenai, vault));
const wrapped = {
  ai: await ai.withSecrets({ bench: ofAi }, vault),
  langchain: await langchain.withSecrets(ofLangchain, vault),
  mastra: await mastra.withSecrets(ofMastra, vault),
};
const call = { toolCallId: "c", messages: [], context: undefined } as any;
const run = new RunContext({});

type Case = [name: string, alone: () => Promise<unknown>, both: () => Promise<unknown>];
const cases: Case[] = [
  ["Vercel AI SDK", () => ofAi.execute(input, call) as any, () => wrapped.ai.bench.execute(input, call) as any],
  ["LangChain.js", () => ofLangchain.invoke(input), () => wrapped.langchain.invoke(input)],
  ["OpenAI Agents", () => alone.invoke(run, '{"q":"a","key":null}'), () => both.invoke(run, '{"q":"a"}')],
  [
    "Mastra",
    () => ofMastra.execute?.(input, {} as any) as any,
    () => wrapped.mastra.execute?.(input, {} as any) as any,
  ],
  ["inject", async () => execute(input), async () => (await vault.inject("bench", input)).run(execute)],
];
for (const [name, plain, supplied] of cases) {
  const together = () => Promise.all(Array.from({ length: TOGETHER }, supplied));
  const [least, bare, with_, many] = (await microseconds(plain, exchange, supplied, together)) as [
    number,
    number,
    number,
    number,
  ];
  const each = many / TOGETHER;
  console.log(
    `${name}: alone ${least.toFixed()} µs, a bare exchange ${bare.toFixed()} µs, with the vault ${with_.toFixed()} µs ` +
      `(${(with_ / bare).toFixed(2)} exchanges); ${TOGETHER} at once, each ${each.toFixed()} µs`,
  );
}
await server.stop();
process.exit(0);
