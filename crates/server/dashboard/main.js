// The start: who is signed in decides between the sign-in page and the dashboard.

import { comeBack as comeBackFromServer } from "./connections.js";
import { toast } from "./dialog.js";
import { Notice } from "./parts.js";
import { takeAnswer, takeLink } from "./router.js";
import { comeBack, issuers, resume, signIn, takeReason, watch } from "./session.js";
import { Shell } from "./shell.js";
import { SignIn } from "./pages/sign-in.js";
import { html, render } from "./ui.js";

const root = document.getElementById("app");
const show = (content) => {
  root.textContent = "";
  render(content, root);
};

function enter(session) {
  watch(session);
  show(html`<${Shell} session=${session} />`);
}

const LINK_REFUSED = "This link was used already or has expired. Run `toolvault open` for another.";
const ANSWER_REFUSED = "The sign-in was not accepted, or took too long. Sign in again.";

async function start() {
  const link = takeLink();
  const answer = takeAnswer();
  let refused;
  try {
    comeBackFromServer();
  } catch (error) {
    toast(error.message, "warn");
  }
  try {
    if (link) return enter(await signIn({ link }));
    if (answer) return enter(await comeBack(answer));
  } catch (refusal) {
    const general = link ? LINK_REFUSED : ANSWER_REFUSED;
    refused = refusal.status === 401 ? general : refusal.message;
  }
  const reason = takeReason();
  const session = await resume();
  if (session) {
    enter(session);
    if (refused) toast(refused, "warn");
    return;
  }
  await ask(refused ? { text: refused, tone: "bad" } : reason && { text: reason });
}

async function ask(message) {
  const names = await issuers();
  show(html`<${SignIn} message=${message} issuers=${names} onSignedIn=${enter} />`);
}

// A link that is opened where the page is open already changes only the fragment. A page that comes back from the
// browser's history may show what is no longer so.
addEventListener("hashchange", () => location.hash.startsWith("#/sign-in/") && location.reload());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

start().catch((error) => show(html`<div class="alone"><${Notice} tone="bad" title="The dashboard cannot start">${error.message}<//></div>`));
