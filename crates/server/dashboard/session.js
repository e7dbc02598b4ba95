// Who is signed in, and the end of the session in all tabs.
//
// A page that is signed out is loaded again: that removes everything from its memory.

import { send, token, whenSignedOut } from "./api.js";
import { createContext } from "./ui.js";

/** The answer of `v1/session`. */
export const Session = createContext(null);

const tabs = new BroadcastChannel("toolvault");
let lastActive = 0;
/** The session of this page. */
let own = null;
/** Whether this page signs out. Requests that are refused because of that are no reason of their own. */
let isSigningOut = false;

/** Loads the page anew, with the reason for the sign-in page. The fragment stays, so that one comes back to it. */
function leave(reason) {
  // Another tab may have signed in meanwhile.
  if (token.get() === own.csrf_token) token.clear();
  for (const field of document.querySelectorAll("input, textarea")) field.value = "";
  history.replaceState({ reason }, "");
  location.reload();
}

/** Why the page shows the sign-in form, if it was signed out. */
export function takeReason() {
  const reason = history.state?.reason;
  if (reason) history.replaceState(null, "");
  return reason;
}

/** The session that this browser already has, or null. */
export async function resume() {
  if (!token.get()) return null;
  try {
    return (await send("GET", "v1/session")).body;
  } catch (refusal) {
    if (refusal.status !== 401) throw refusal;
    token.clear();
    return null;
  }
}

/** Signs in with `{ key }`, `{ link }` or `{ oidc }`. A session that there is stays if that fails: any page can open a wrong link. */
export async function signIn(credential) {
  const { body } = await send("POST", "v1/session", { json: credential });
  token.set(body.csrf_token);
  return body;
}

/** The names of the issuers at which one can sign in; empty if the server does not tell. */
export async function issuers() {
  try {
    return (await send("GET", "v1/session/issuers")).body.data.map(({ name }) => name);
  } catch {
    return [];
  }
}

// What the page needs when a person comes back from an issuer. This storage belongs to the tab, so an answer that someone
// else began is refused here, and no other port can read it.
const FLOW = "toolvault.flow";

/** Leaves for an issuer. */
export async function leaveFor(issuer) {
  const { body } = await send("POST", "v1/session/issuers", { json: { issuer } });
  sessionStorage.setItem(FLOW, JSON.stringify({ flow: body.flow, back: location.hash }));
  location.assign(body.url);
}

/** Signs in with what the issuer answered, and shows the page from which one left. */
export async function comeBack({ issuer, answer }) {
  const kept = JSON.parse(sessionStorage.getItem(FLOW));
  sessionStorage.removeItem(FLOW);
  if (!kept) throw new Error("This tab did not begin a sign-in. Sign in again.");
  const error = new URLSearchParams(answer).get("error");
  if (error !== null) {
    const code = /^\w{1,40}$/.test(error) ? ` (${error})` : "";
    throw new Error(`The identity provider did not sign you in${code}.`);
  }
  const session = await signIn({ oidc: { flow: kept.flow, issuer, answer } });
  history.replaceState(null, "", kept.back || "#/");
  return session;
}

export async function signOut(reason = "You are signed out.") {
  if (isSigningOut) return;
  isSigningOut = true;
  try {
    await send("DELETE", "v1/session");
    leave(reason);
  } catch (refusal) {
    const minutes = Math.ceil(own.idle_seconds / 60);
    leave(refusal.status === 401 ? reason : `You are signed out in this browser, but the server did not answer. The session ends within ${minutes} minutes.`);
  }
}

const ENDED = "Your session has ended. Sign in again to continue.";

/** Ends the page when the session ends: refused, expired, not used, or signed out in another tab. */
export function watch(session) {
  own = session;
  lastActive = Date.now();
  let lastTold = lastActive;
  whenSignedOut(() => isSigningOut || leave(ENDED));
  addEventListener("storage", ({ key }) => token.is(key) && token.get() !== session.csrf_token && leave("You signed out in another tab."));
  const active = (isOurs) => {
    if (isOurs && Date.now() - lastActive > 15_000) tabs.postMessage("active");
    lastActive = Date.now();
    // The server counts requests, and one may write into a form for long without any.
    if (isOurs && lastActive - lastTold > session.idle_seconds * 100) {
      lastTold = lastActive;
      send("GET", "v1/session").catch(() => {});
    }
  };
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, () => active(true), true);
  tabs.onmessage = () => active(false);
  setInterval(() => {
    if (Date.now() >= Date.parse(session.expires_at)) leave(ENDED);
    else if (Date.now() - lastActive >= session.idle_seconds * 1000) signOut("You were signed out because nothing happened for a while.");
  }, 5000);
}
