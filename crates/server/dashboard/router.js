// The page's address: `#/secrets/<id>?tool=…`.

import { useEffect, useState } from "./ui.js";

/** `{ path: ["secrets", "<id>"], query }` of the current address. */
function read() {
  const [path, query] = location.hash.slice(1).split("?");
  const steps = path.split("/").filter(Boolean);
  return { path: steps.map(decode), query: new URLSearchParams(query) };
}

function decode(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** The address of a page. */
export function href(...steps) {
  const query = typeof steps.at(-1) === "object" ? `?${new URLSearchParams(steps.pop())}` : "";
  return `#/${steps.map(encodeURIComponent).join("/")}${query}`;
}

export const go = (...steps) => (location.hash = href(...steps));

/** Changes the address without another entry in the history. */
export function replace(...steps) {
  history.replaceState(null, "", href(...steps));
}

/** If the address is a one-time link, its token, which is then removed from the address. */
export function takeLink() {
  const { path } = read();
  if (path[0] !== "sign-in" || !path[1]) return null;
  history.replaceState(null, "", "#/");
  return path[1];
}

/** If the address has an issuer's answer, `{ issuer, answer }`, which is then removed from the address. */
export function takeAnswer() {
  const { path } = read();
  if (path[0] !== "signed-in" || !path[1]) return null;
  const answer = location.hash.slice(location.hash.indexOf("?") + 1);
  history.replaceState(null, "", "#/");
  return { issuer: path[1], answer };
}

/** If the address has the answer of a tool server's authorization server, that, which is then removed from the address. */
export function takeConnected() {
  const { path } = read();
  if (path[0] !== "connected") return null;
  const answer = location.hash.slice(location.hash.indexOf("?") + 1);
  history.replaceState(null, "", "#/");
  return answer;
}

/** The current address. Each one that a person goes to is another `visit`, also of the same page with another query. */
export function useRoute() {
  const [route, setRoute] = useState(() => ({ ...read(), visit: 0 }));
  useEffect(() => {
    const changed = () => setRoute(({ visit }) => ({ ...read(), visit: visit + 1 }));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
