// What surrounds every page: the navigation, and who is signed in.

import { isLimited, may } from "./data.js";
import { Toasts } from "./dialog.js";
import { Icon } from "./icons.js";
import { Palette } from "./palette.js";
import { Notice } from "./parts.js";
import { href, useRoute } from "./router.js";
import { Session, signOut } from "./session.js";
import { Text } from "./text.js";
import { html, useEffect, useErrorBoundary, useState } from "./ui.js";
import { Waiting } from "./waiting.js";

/** The pages in the navigation. A page that the session may not use is not there; a page's module loads when it opens. */
const PAGES = [
  { id: "secrets", title: "Secrets", load: secretPage, allowed: (session) => may(session, "manage") },
  { id: "keys", title: "Keys", load: async () => (await import("./pages/keys.js")).Keys, allowed: (session) => may(session, "manage") && !isLimited(session) },
  { id: "approvals", title: "Approvals", load: approvalPage, allowed: (session) => may(session, "manage") },
  { id: "try", title: "Try it", load: async () => (await import("./pages/try.js")).Try, allowed: (session) => may(session, "manage", "use", "resolve") },
  { id: "gateway", title: "Gateway", load: async () => (await import("./pages/gateway.js")).Gateway, allowed: (session) => may(session, "manage", "use") },
  { id: "audit", title: "Audit", load: async () => (await import("./pages/audit.js")).Audit, allowed: (session) => may(session, "audit", "admin") },
  { id: "usage", title: "Usage", load: async () => (await import("./pages/usage.js")).Usage, allowed: (session) => may(session, "manage") },
  { id: "admin", title: "Admin", load: async () => (await import("./pages/admin.js")).Admin, allowed: (session) => may(session, "admin") && !isLimited(session) },
];

/** Pages to which only links lead. */
const ASIDE = [
  { id: "approve", load: async () => (await import("./pages/approve.js")).Approve, allowed: PAGES.find(({ id }) => id === "keys").allowed },
  { id: "connect", load: async () => (await import("./pages/connect.js")).Connect, allowed: (session) => may(session, "manage") },
  { id: "approved", load: async () => (await import("./pages/approve.js")).Approved, allowed: () => true },
];

async function secretPage([, id, act]) {
  if (!id) return (await import("./pages/secrets.js")).Secrets;
  if (id !== "new" && act !== "edit") return (await import("./pages/secret.js")).Secret;
  const forms = await import("./pages/secret-form.js");
  return id === "new" ? forms.NewSecret : forms.EditSecret;
}

async function approvalPage([, id]) {
  const pages = await import("./pages/approvals.js");
  return id ? pages.Approval : pages.Approvals;
}

function Content({ load, route }) {
  const [fault] = useErrorBoundary();
  const [error, setError] = useState(null);
  const [loaded, setLoaded] = useState(null);
  useEffect(() => {
    load(route.path).then((page) => setLoaded({ page }), setError);
  }, []);
  const problem = fault ?? error;
  if (problem) return html`<${Notice} tone="bad" title="This page cannot be shown">${problem.message}<//>`;
  return loaded && html`<${loaded.page} id=${route.path[1]} query=${route.query} />`;
}

const Nothing = () => html`<${Notice} title="There is nothing here">Your key has no scope for this page, or there is no such page.<//>`;

const THEMES = { light: "dark", dark: "" };

function switchTheme() {
  const root = document.documentElement;
  const next = THEMES[root.dataset.theme] ?? "light";
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  localStorage.setItem("theme", next);
  return next;
}

function Account({ session }) {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "");
  const name = { light: "Light", dark: "Dark", "": "As the system" }[theme];
  return html`
    <div class="account">
      <div class="who">
        <strong><${Text} of=${session.user_name} /></strong>
        <span class="hint"><${Text} of=${session.name} /></span>
      </div>
      <button type="button" class="button quiet icon" title=${`Colours: ${name}`} aria-label=${`Colours: ${name}. Change`} onClick=${() => setTheme(switchTheme())}>
        <${Icon} name="theme" />
      </button>
      <button type="button" class="button quiet icon" title="Sign out" aria-label="Sign out" onClick=${() => signOut()}><${Icon} name="leave" /></button>
    </div>
  `;
}

export function Shell({ session }) {
  const route = useRoute();
  const [isSearching, setSearching] = useState(false);
  const allowed = PAGES.filter((page) => page.allowed(session));
  const path = route.path.length > 0 ? route.path : [allowed[0]?.id ?? ""];
  const current = [...allowed, ...ASIDE.filter((page) => page.allowed(session))].find(({ id }) => id === path[0]);
  useEffect(() => {
    const onKeyDown = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        setSearching(true);
      }
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  return html`
    <${Session.Provider} value=${session}>
      <div class="shell">
        <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); document.querySelector("h1")?.focus(); }}>Skip to the content</a>
        <header class="side">
          <a class="brand" href="#/"><img src="dashboard/icon.svg" alt="" width="24" height="24" />Toolvault</a>
          <button type="button" class="find" onClick=${() => setSearching(true)}>
            <${Icon} name="search" /><span>Search</span><kbd aria-hidden="true">${/Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
          </button>
          <nav aria-label="Pages">
            ${allowed.map(({ id, title }) => html`
              <a href=${href(id)} aria-current=${path[0] === id ? "page" : undefined}><${Icon} name=${id} /><span>${title}</span>${id === "approvals" && html`<${Waiting} visit=${route.visit} />`}</a>
            `)}
          </nav>
          <${Account} session=${session} />
        </header>
        <main id="content">
          ${current ? html`<${Content} key=${route.visit} load=${current.load} route=${{ ...route, path }} />` : html`<${Nothing} />`}
        </main>
      </div>
      ${isSearching && html`<${Palette} pages=${allowed} onClose=${() => setSearching(false)} />`}
      <${Toasts} />
    <//>
  `;
}
