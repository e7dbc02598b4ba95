// What pages read from the server.

import { get } from "./api.js";
import { useEffect, useRef, useState } from "./ui.js";

const PAGE = 1000;

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

/** Runs `act` on each change of `deps`, once `delay` milliseconds have passed without another. */
export function useDelayed(act, delay, deps) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const timer = setTimeout(() => latest.current(), delay);
    return () => clearTimeout(timer);
  }, deps);
}

/** All secrets; `show` gets the first of several pages. */
export async function secrets(signal, show = () => {}) {
  const found = new Map();
  for (let offset = 0, total = 1; offset < total; offset += PAGE) {
    const page = await get("v1/secrets/", { limit: PAGE, offset }, signal);
    // A secret that was deleted meanwhile moves the others.
    for (const secret of page.data) found.set(secret.secret_id, secret);
    total = page.total;
    if (offset === 0 && total > PAGE) show({ list: [...found.values()], total });
  }
  return { list: [...found.values()], total: found.size };
}

const byId = ({ data }) => new Map(data.map((item) => [item.secret_id, item]));

/** When and by what each secret was used, by ID. */
export async function uses(signal) {
  const answer = await get("v1/uses", {}, signal);
  return { since: answer.since, of: byId(answer) };
}

/** Policies that are not the default one, by ID. */
export const policies = async (signal) => byId(await get("v1/policies", {}, signal));

/** The servers behind the gateway; none if the caller may not see them. */
export async function servers(session, signal) {
  if (!may(session, "use", "manage")) return [];
  return (await get("v1/gateway", {}, signal)).servers;
}

export const toolsOf = (list) => list.flatMap(({ tools }) => tools);

/** Whether the session has one of the scopes. */
export const may = (session, ...scopes) => scopes.some((scope) => session.scopes.includes(scope));

/** Whether tool patterns limit the session; it can then manage no keys. */
export const isLimited = (session) => session.tools.length > 0;
