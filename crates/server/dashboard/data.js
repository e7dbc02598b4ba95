// What pages read from the server.

import { get } from "./api.js";
import { actor, recentDay } from "./format.js";
import { useEffect, useRef, useState } from "./ui.js";

const PAGE = 1000;
/** How often a list that changes meanwhile is read. */
const TURNS = 5;
/** The uses are complete if they reach back this far, in milliseconds: today is the last of 30 days. */
const WHOLE = 29 * 86_400_000;

/**
 * Loads once for each content of `deps`: `{ data, error, isLoading, reload }`. `load` gets a signal that ends its
 * requests, and `show` for what it has so far. The last data stay while others load.
 */
export function useData(load, deps = []) {
  const [state, setState] = useState({ isLoading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const aborter = new AbortController();
    const set = (change) => aborter.signal.aborted || setState(change);
    set((last) => ({ ...last, isLoading: true }));
    load(aborter.signal, (data) => set({ data, isLoading: true })).then(
      (data) => set({ data, isLoading: false }),
      (error) => set((last) => ({ data: last.data, error, isLoading: false })),
    );
    return () => aborter.abort();
  }, [...deps, turn]);
  return { ...state, reload: () => setTurn((last) => last + 1) };
}

/** Runs `act` on each change of `deps`, once `delay` milliseconds have passed without another, which aborts its signal. */
export function useDelayed(act, delay, deps) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const aborter = new AbortController();
    const timer = setTimeout(() => latest.current(aborter.signal), delay);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, deps);
}

/** Runs `act` every `span` milliseconds while the page is seen, and at once when it is seen again. */
export function useRepeated(act, span) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const run = () => document.hidden || latest.current();
    const timer = setInterval(run, span);
    document.addEventListener("visibilitychange", run);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", run);
    };
  }, []);
}

/** All secrets; `show` gets the first of several pages. */
export async function secrets(signal, show = () => {}) {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const found = new Map();
    let total = 0;
    let isMoved = false;
    for (let offset = 0; offset === 0 || offset < total; offset += PAGE) {
      const page = await get("v1/secrets/", { limit: PAGE, offset }, signal);
      for (const secret of page.data) found.set(secret.secret_id, secret);
      // A secret that was deleted between two pages moved the others: one may be on neither.
      isMoved ||= page.total < total;
      total = page.total;
      if (turn === 0 && offset === 0 && total > PAGE) show({ list: [...found.values()], total });
    }
    if (!isMoved && found.size >= total) return { list: [...found.values()], total: found.size };
  }
  throw new Error("The list changed each time it was read. Try again.");
}

const byId = ({ data }) => new Map(data.map((item) => [item.secret_id, item]));

/** The names of the caller's keys, by what the audit trail calls them; empty for a caller who may not list them. */
export async function keyNames(session, signal) {
  if (!may(session, "manage") || isLimited(session)) return new Map();
  const { data } = await get("v1/keys", { user_id: session.user_id }, signal);
  return new Map(data.filter(({ name }) => name).map(({ key_id: id, name }) => [`key:${id}`, name]));
}

/**
 * When and by what each secret was used: `{ of, versions, noUse, isWhole, since }`, `of` and `versions` by ID. `noUse`
 * says what is known of a secret without a use, `{ short, text }`; it is null if tool patterns limit what the caller sees.
 */
export async function uses(session, signal) {
  const [answer, names] = await Promise.all([get("v1/uses", {}, signal), keyNames(session, signal)]);
  const isWhole = Date.parse(answer.since) <= Date.now() - WHOLE;
  const since = recentDay(answer.since);
  const noUse = isWhole ? { short: "Unused", text: "Not used in the last 30 days" } : { short: `Not since ${since}`, text: `Not used since ${since}` };
  const used = answer.data.filter(({ last_used_at: at }) => at);
  return {
    of: byId({ data: used.map((use) => ({ ...use, last_by: names.get(use.last_actor) ?? actor(use.last_actor) })) }),
    versions: new Map(answer.data.map(({ secret_id: id, version }) => [id, version])),
    noUse: isLimited(session) ? null : noUse,
    isWhole,
    since,
  };
}

/** Policies that are not the default one, by ID. */
export const policies = async (signal) => byId(await get("v1/policies", {}, signal));

/** The servers behind the gateway; an empty list for a caller who may not see them. */
export async function servers(session, signal) {
  if (!may(session, "use", "manage")) return [];
  return (await get("v1/gateway", {}, signal)).servers;
}

export const toolsOf = (list) => list.flatMap(({ tools }) => tools);

/** Whether the session has one of the scopes. */
export const may = (session, ...scopes) => scopes.some((scope) => session.scopes.includes(scope));

/** Whether tool patterns limit the session; it can then manage no keys. */
export const isLimited = (session) => session.tools.length > 0;
