// The start: who is signed in decides between the sign-in page and the dashboard.

import { toast } from "./dialog.js";
import { Notice } from "./parts.js";
import { takeLink } from "./router.js";
import { resume, signIn, takeReason, watch } from "./session.js";
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

async function start() {
  const link = takeLink();
  let refused;
  if (link) {
    try {
      return enter(await signIn({ link }));
    } catch (refusal) {
      refused = refusal.status === 401 ? "This link was used already or has expired. Run `toolvault open` for another." : refusal.message;
    }
  }
  const reason = takeReason();
  const session = await resume();
  if (session) {
    enter(session);
    if (refused) toast(refused, "warn");
    return;
  }
  ask(refused ? { text: refused, tone: "bad" } : reason && { text: reason });
}

function ask(message) {
  show(html`<${SignIn} message=${message} onSignedIn=${enter} />`);
}

// A link that is opened where the page is open already changes only the fragment. A page that comes back from the
// browser's history may show what is no longer so.
addEventListener("hashchange", () => location.hash.startsWith("#/sign-in/") && location.reload());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

start().catch((error) => show(html`<div class="alone"><${Notice} tone="bad" title="The dashboard cannot start">${error.message}<//></div>`));
