// Signing in at a tool server: what the page needs while the person is at its authorization server, and what scopes say.

import { href, takeConnected } from "./router.js";

// This storage belongs to the tab: an answer to a sign-in that someone else began is refused here, and no other port can
// read it.
const KEPT = "toolvault.connection";

/** What came back: `{ server, flow, answer }`, or null. */
let brought = null;

/** Leaves for the authorization server. */
export function leaveFor(server, { url, flow }) {
  if (!/^https?:\/\//i.test(url)) throw new Error("The address of the authorization server is not a web address.");
  sessionStorage.setItem(KEPT, JSON.stringify({ server, flow }));
  location.assign(url);
}

/** If the address has an authorization server's answer, keeps it in memory for the page of the server. */
export function comeBack() {
  const answer = takeConnected();
  if (answer === null) return;
  const kept = JSON.parse(sessionStorage.getItem(KEPT));
  sessionStorage.removeItem(KEPT);
  if (!kept) throw new Error("This tab did not begin a sign-in at a server. Begin again on the page Gateway.");
  brought = { ...kept, answer };
  history.replaceState(null, "", href("connect", kept.server));
}

/** What came back for a server, once. */
export function takeBrought(server) {
  if (brought?.server !== server) return null;
  const taken = brought;
  brought = null;
  return taken;
}

const KNOWN = {
  openid: "know that it is you",
  profile: "see your name and picture",
  email: "see your e-mail address",
  offline_access: "stay signed in until you disconnect",
};
const VERBS = { read: "read", write: "change", create: "create", delete: "delete", admin: "administer", manage: "manage" };

/** What a scope permits, as far as its name says; null if it does not. */
export function inWords(scope) {
  if (Object.hasOwn(KNOWN, scope)) return KNOWN[scope];
  const parts = scope.toLowerCase().split(/[^a-z]+/).filter(Boolean);
  const verb = parts.find((part) => Object.hasOwn(VERBS, part));
  if (!verb) return null;
  return `${VERBS[verb]} ${parts.filter((part) => part !== verb).join(" ") || "what you can there"}`;
}
