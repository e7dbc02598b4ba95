/** A vault for tests of tools and agents: it needs no server, and its values are the test's own. */

import { randomUUID } from "node:crypto";

import type * as api from "./api.js";
import { Toolvault } from "./client.js";
import { UnexpectedAnswer } from "./errors.js";
import type { Answer, CallOptions, Operation, Runner } from "./http/operation.js";
import { refusal } from "./http/refusal.js";
import { at, place, withAt } from "./injection/pointer.js";
import { supplier } from "./injection/supplier.js";
import type { NewSecret } from "./resources/secrets.js";

/** A secret of a `FakeVault`, with the fields of `vault.secrets.create`. */
export interface FakeSecret extends Omit<NewSecret, "secret_value"> {
  readonly secret_value: string;
  /** Whether results are redacted. Default: true. */
  readonly redact?: boolean;
  /** The user whose secret it is. Default: every user has it. */
  readonly user?: string;
}

/** A secret that was applied to an argument of a tool. `user` is the one for whom the client acted. */
export interface FakeUse {
  readonly tool: string;
  readonly argument: string;
  readonly secret_name: string;
  readonly user: string | undefined;
}

/**
 * A client whose `resolve`, `explain`, `inject` and `withSecrets` work without a server, with the secrets that `add`
 * gives it. A call gets those of the user for whom it acts. Among several defaults, the one with more literal characters
 * wins, then the later one. Other operations reject.
 */
export class FakeVault extends Toolvault {
  /** What was applied, in order. */
  readonly uses: FakeUse[];
  readonly #fake: Fake;

  constructor() {
    const fake = new Fake();
    super({ url: "http://127.0.0.1:1", apiKey: "fake" }, fake);
    this.uses = fake.uses;
    this.#fake = fake;
  }

  /** Adds secrets. */
  add(...secrets: readonly FakeSecret[]): this {
    this.#fake.add(secrets);
    this[supplier].forget();
    return this;
  }
}

interface Stored extends FakeSecret {
  readonly secret_id: string;
}

const SINGLE: Readonly<Record<string, "resolve" | "explain">> = { "/v1/resolve": "resolve", "/v1/explain": "explain" };

class Fake implements Runner {
  readonly uses: FakeUse[] = [];
  readonly #secrets: Stored[] = [];

  add(secrets: readonly FakeSecret[]): void {
    this.#secrets.push(...secrets.map((one) => ({ ...one, secret_id: randomUUID() })));
  }

  async run<T>(operation: Operation<T>, { user }: CallOptions = {}): Promise<T> {
    const answer = this.#answer(operation, user);
    const refused = refusal(answer);
    if (refused) throw Object.assign(refused, { tool: operation.tool ?? "" });
    return operation.read(answer);
  }

  #answer({ path, body }: Operation<unknown>, user: string | undefined): Answer {
    const content = body ? JSON.parse(body.encoded().toString()) : {};
    const explained = /^\/v1\/tools\/([^/]+)\/explain$/.exec(path)?.[1];
    if (explained !== undefined) return ok(this.#explained(decodeURIComponent(explained), content, user));
    const single = SINGLE[path];
    if (single === undefined) throw new UnexpectedAnswer(`a FakeVault does not answer ${path}; use a real server`);
    const answer = (call: api.ToolCall) =>
      single === "resolve" ? this.#resolved(call, user) : ok(this.#explained(call.tool_name, call, user));
    if (content.calls === undefined) return answer(content);
    const results = (content.calls as api.ToolCall[]).map((call) => {
      const { status, content: answered } = answer(call);
      return status === 200 ? { status, result: answered } : { status, ...(answered as object) };
    });
    return ok({ results });
  }

  #resolved({ tool_name: tool, args, bindings, accepts, require }: api.ToolCall, user: string | undefined): Answer {
    const received = args ?? {};
    let completed: unknown = received;
    const applied: api.Applied[] = [];
    const problems: api.UnresolvedArgument[] = [];
    const apply = (arg: string, secret: Stored, source: api.AppliedSource) => {
      completed = withAt(completed, arg, secret.secret_value);
      const { secret_id, secret_name, redact = true } = secret;
      applied.push({ arg, source, version: 1, secret_id, secret_name, redact });
    };
    for (const [arg, reference] of Object.entries(bindings ?? {})) {
      const [secret, other] = this.#of(user).filter((one) => isNamed(one, reference) && isFor(one, tool, arg));
      if (secret && !other) apply(arg, secret, "binding");
      else problems.push(problem(secret ? "secret_ambiguous" : "secret_not_available", ["bindings", arg], tool));
    }
    for (const [arg, secret] of this.#defaults(tool, accepts, user)) {
      if (at(completed, arg) === undefined || at(completed, arg) === null) apply(arg, secret, "default");
    }
    for (const arg of require ?? []) {
      if (at(completed, arg) === undefined) problems.push(problem("secret_missing", ["require", arg], tool));
    }
    if (problems.length > 0) return { status: 409, headers: {}, content: { detail: problems } };
    this.uses.push(...applied.map(({ arg, secret_name }) => ({ tool, argument: arg, secret_name, user })));
    return ok({ tool_name: tool, args: completed, applied });
  }

  #explained(tool: string, { accepts, args, bindings }: api.Call, user: string | undefined): api.Explanation {
    const explained = this.#defaults(tool, accepts, user).map(([arg, { secret_id: winner }]) => {
      const isReceived = (at(args ?? {}, arg) ?? null) !== null;
      const outcome = Object.keys(bindings ?? {}).some((one) => place(one) === place(arg))
        ? "binding"
        : isReceived
          ? "received"
          : "default";
      return { arg, outcome, winner, candidates: [], near: [], tied: false } as const;
    });
    return { tool_name: tool, would_succeed: true, arguments: explained, gateway: null };
  }

  /** The secrets that a user has. */
  #of(user: string | undefined): readonly Stored[] {
    return this.#secrets.filter(({ user: owner = user }) => owner === user);
  }

  /** The winning default of each argument: one that is written as a pointer, else the one with more literals. */
  #defaults(
    tool: string,
    accepts: readonly string[] | null | undefined,
    user: string | undefined,
  ): Array<[argument: string, secret: Stored]> {
    const accepted = accepts && new Set(accepts.map(place));
    const found = new Map<string, { arg: string; rank: readonly [boolean, number]; secret: Stored }>();
    for (const secret of this.#of(user)) {
      const { tool_arg: arg, tool_name: pattern, is_default_for_tool: isDefault } = secret;
      if (!isDefault || !arg || !pattern || !matches(pattern, tool) || accepted?.has(place(arg)) === false) continue;
      const rank = [arg.startsWith("/"), literals(pattern)] as const;
      const { rank: earlier = rank } = found.get(place(arg)) ?? {};
      if (rank[0] === earlier[0] ? rank[1] >= earlier[1] : rank[0]) found.set(place(arg), { arg, rank, secret });
    }
    const sorted = [...found].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return sorted.map(([, { arg, secret }]) => [arg, secret]);
  }
}

function ok(content: unknown): Answer {
  return { status: 200, headers: {}, content };
}

function isNamed({ secret_name: name }: Stored, reference: string): boolean {
  return reference === `secret://${encodeURIComponent(name)}`;
}

/** Whether a reference may give the secret to this argument of this tool. */
function isFor({ tool_name: pattern, tool_arg: argument }: Stored, tool: string, arg: string): boolean {
  return (!pattern || matches(pattern, tool)) && (!argument || place(argument) === place(arg));
}

const TEXTS = {
  secret_missing: (at: string) => `${at} is required and no secret serves it.`,
  secret_not_available: (at: string) => `No usable secret for ${at}.`,
  secret_ambiguous: (at: string) => `Several secrets of that name match ${at}.`,
};

function problem(type: keyof typeof TEXTS, loc: string[], tool: string): api.UnresolvedArgument {
  const text = TEXTS[type](`argument '${loc.at(-1)}' of tool '${tool}'`);
  const isWord = !/^-|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(tool);
  const command = isWord ? ` Run: toolvault explain '${tool.replaceAll("'", String.raw`'\''`)}'` : "";
  return { type, loc, msg: `${text[0]?.toUpperCase()}${text.slice(1)}${command}` };
}

function literals(pattern: string): number {
  return pattern.includes("*") ? pattern.replaceAll("*", "").length : Number.POSITIVE_INFINITY;
}

function matches(pattern: string, tool: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === tool;
  const last = rest.pop() as string;
  if (!tool.startsWith(first) || !tool.endsWith(last) || tool.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = tool.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return from <= tool.length - last.length;
}
