// The small parts of all pages.

import { Icon } from "./icons.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";

/** A page with its heading, which gets the focus when the page opens. */
export function Page({ title, heading, lead, actions, back, children }) {
  const ref = useRef();
  useEffect(() => {
    document.title = `${title} · Toolvault`;
  }, [title]);
  useLayoutEffect(() => {
    // A page that has a field for the first input focuses that itself.
    if (!ref.current.closest("main").contains(document.activeElement)) ref.current.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return html`
    <header class="head">
      <div>
        ${back && html`<a class="back" href=${back.href}><${Icon} name="back" />${back.label}</a>`}
        <h1 tabindex="-1" ref=${ref}>${heading ?? title}</h1>
        ${lead && html`<p class="lead">${lead}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  `;
}

export const Badge = ({ tone = "", title, children }) => html`<span class=${`badge ${tone}`} title=${title}>${children}</span>`;

export const Card = ({ title, actions, children, flush }) => html`
  <section class=${flush ? "card flush" : "card"}>
    ${title && html`<header><h2>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</header>`}
    ${children}
  </section>
`;

/** A message in the page. A problem is read out at once. */
export const Notice = ({ tone = "", title, children }) => html`
  <div class=${`notice ${tone}`} role=${tone === "bad" ? "alert" : undefined}>
    <${Icon} name=${tone === "good" ? "done" : tone === "" ? "info" : "warn"} />
    <div>${title && html`<strong>${title}</strong>`}${children}</div>
  </div>
`;

/** What stands in place of a list that is empty. */
export const Empty = ({ icon, title, action, children }) => html`
  <div class="empty">
    <div class="sign"><${Icon} name=${icon} /></div>
    <h2>${title}</h2>
    ${children}
    ${action && html`<div class="actions">${action}</div>`}
  </div>
`;

/** The state of `useData`: its error or the sign that it loads, else the children's content. */
export function Loaded({ state, children }) {
  if (state.data !== undefined) {
    return html`${state.error && html`<${Notice} tone="bad">${state.error.message}<//>`}${children(state.data)}`;
  }
  if (state.error) {
    const again = html`<button class="button small" onClick=${state.reload}>Try again</button>`;
    return html`<${Notice} tone="bad" title="This could not be loaded">${state.error.message} ${again}<//>`;
  }
  return html`<p class="waiting" role="status">Loading …</p>`;
}

/** What could not be loaded beside the main content of a page: `[[title, state]]`. */
export const Unloaded = ({ of }) => of.filter(([, { error }]) => error).map(([title, { error, reload }]) => html`
  <${Notice} key=${title} tone="bad" title=${`${title} could not be loaded`}>${error.message} <button type="button" class="button small" onClick=${reload}>Try again</button><//>
`);

/** A button that copies a text. */
export function Copy({ text, label = "Copy", primary }) {
  const [state, setState] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("Copied");
    } catch {
      setState("Select it and copy");
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => setState(""), 2500);
    return () => clearTimeout(timer);
  }, [state]);
  return html`<button type="button" class=${primary ? "button" : "button small quiet"} onClick=${copy} aria-live="polite">
    <${Icon} name=${state === "Copied" ? "done" : "copy"} />${state || label}
  </button>`;
}

/** Text to copy into a terminal or a file. */
export const Snippet = ({ label, text }) => html`
  <figure class="snippet">
    <figcaption>${label}<${Copy} text=${text} /></figcaption>
    <pre tabindex="0" aria-label=${label}>${text}</pre>
  </figure>
`;

/** Snippets of which one is shown at a time: `[{ label, text }]`. */
export function Snippets({ of, label }) {
  const [chosen, setChosen] = useState(0);
  return html`
    <div class="snippets">
      <div class="choices" role="group" aria-label=${label}>
        ${of.map((snippet, index) => html`
          <button type="button" class="choice" aria-pressed=${index === chosen} onClick=${() => setChosen(index)}>${snippet.name}</button>
        `)}
      </div>
      ${of[chosen].note && html`<p class="hint">${of[chosen].note}</p>`}
      <${Snippet} label=${of[chosen].label} text=${of[chosen].text} />
    </div>
  `;
}

/** Pairs of a term and what it says. */
export const Facts = ({ of }) => html`
  <dl class="facts">
    ${of.filter(Boolean).map(([term, content]) => html`<div><dt>${term}</dt><dd>${content}</dd></div>`)}
  </dl>
`;
