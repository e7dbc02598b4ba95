import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { urlToHttpOptions } from "node:url";

import { ApiError, RateLimited, ToolvaultError, Unavailable, UnexpectedAnswer, Unresolved } from "../errors.js";
import type { Answer, Operation, Runner, RunOptions } from "./operation.js";
import { refusal } from "./refusal.js";
import type { Settings } from "./settings.js";

const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;

/**
 * Runs operations over HTTP. It follows no redirect and, unlike `fetch`, never uses a proxy of the environment.
 *
 * Errors of Node.js are never passed on as a cause, because a debugger would show the request in them.
 */
export class Sender implements Runner {
  readonly #settings: Settings;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;
  /** The server's address, as Node.js takes it. */
  readonly #target: http.RequestOptions;

  constructor(settings: Settings) {
    this.#settings = settings;
    const isEncrypted = settings.url.protocol === "https:";
    const ca = settings.ca === undefined ? {} : { ca: settings.ca as string | string[] };
    this.#agent = isEncrypted ? new https.Agent({ keepAlive: true, ...ca }) : new http.Agent({ keepAlive: true });
    this.#request = isEncrypted ? https.request : http.request;
    this.#target = urlToHttpOptions(settings.url);
  }

  /** The result of the operation. Rejects with its error, or with the reason of the caller's signal. */
  async run<T>(operation: Operation<T>, options: RunOptions = {}): Promise<T> {
    const { signal, user = this.#settings.user, made = performance.now() } = options;
    signal?.throwIfAborted();
    const left = Math.ceil(this.#settings.timeout - (performance.now() - made));
    const deadline = left > 0 ? AbortSignal.timeout(left) : AbortSignal.abort();
    const ends = signal ? AbortSignal.any([signal, deadline]) : deadline;
    for (let attempt = 0; ; attempt += 1) {
      const result = await this.#attempt(operation, user, ends);
      signal?.throwIfAborted();
      if (!(result instanceof ApiError)) return result;
      const wait = deadline.aborted ? undefined : pause(operation, result, attempt, this.#settings.retries);
      if (wait === undefined) throw result;
      await sleep(wait, undefined, { signal: ends }).catch(() => {
        signal?.throwIfAborted();
        throw result;
      });
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #attempt<T>(operation: Operation<T>, user: string | undefined, ends: AbortSignal): Promise<T | ApiError> {
    const body = operation.body?.encoded();
    let answer: Answer;
    try {
      answer = await this.#exchange(operation, body, user, ends);
    } catch (error) {
      if (error instanceof ToolvaultError) return error as ApiError;
      const { code, name } = error as NodeJS.ErrnoException;
      const reason = name === "AbortError" ? `within ${this.#settings.timeout} ms` : `(${code ?? name})`;
      return new Unavailable(`no answer from ${this.#settings.url.origin} ${reason}`);
    }
    const refused = refusal(answer);
    if (refused instanceof Unresolved) refused.tool = operation.tool ?? "";
    return refused ?? readBy(operation, answer);
  }

  #exchange(
    operation: Operation<unknown>,
    body: Buffer | undefined,
    user: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers: Record<string, string> = {
      accept: "application/json",
      authorization: `Bearer ${this.#settings.apiKey.reveal()}`,
      "user-agent": "toolvault-typescript",
    };
    if (user !== undefined) headers["x-toolvault-user"] = user;
    if (body) Object.assign(headers, { "content-type": operation.body?.mediaType, "content-length": body.length });
    for (const [name, value] of Object.entries(operation.headers ?? {})) if (value !== undefined) headers[name] = value;
    const path = this.#settings.url.pathname.replace(/\/$/, "") + operation.path + asked(operation.query);
    const options = { ...this.#target, path, method: operation.method, headers, agent: this.#agent, signal };
    return new Promise((resolve, reject) => {
      const sent = this.#request(options, (response) => {
        received(response).then(resolve, reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }
}

async function received(response: http.IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const status = response.statusCode ?? 0;
  let content: unknown;
  try {
    content = JSON.parse(Buffer.concat(parts).toString());
  } catch {
    // The error would show the content.
    if (status >= 200 && status < 300)
      throw new UnexpectedAnswer("the answer is not from a Toolvault server", { status });
  }
  return { status, headers: response.headers, content };
}

function readBy<T>(operation: Operation<T>, answer: Answer): T | ApiError {
  try {
    return operation.read(answer);
  } catch {
    return new UnexpectedAnswer("the answer is not from a Toolvault server", { status: answer.status });
  }
}

/** How many milliseconds to wait before a retry; undefined if a retry is unsafe or useless. */
function pause(operation: Operation<unknown>, failure: ApiError, attempt: number, retries: number): number | undefined {
  const isTemporary = failure instanceof RateLimited || failure instanceof Unavailable;
  if (!operation.isRepeatable || attempt >= retries || !isTemporary) return undefined;
  if (failure.retryAfter === undefined) return FIRST_PAUSE * 2 ** attempt * (0.5 + Math.random() / 2);
  const wait = failure.retryAfter * 1000;
  return wait <= LONGEST_PAUSE ? wait : undefined;
}

function asked(query: Readonly<Record<string, unknown>> = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size ? `?${given}` : "";
}
