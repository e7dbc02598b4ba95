// Texts that others chose, such as names: characters that cannot be seen, or that change the direction, are shown as
// their numbers.

import { html } from "./ui.js";

const UNSEEN = /([\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|(?! )\p{Zs})/u;

const number = (character) => `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/** The text, where only text is possible. */
export const visible = (text) => text.replace(new RegExp(UNSEEN, "gu"), number);

/** The text, isolated from the direction of what is around it. */
export function Text({ of, mono }) {
  const parts = String(of).split(UNSEEN);
  const shown = parts.map((part, index) => (index % 2 ? html`<span class="unseen">${number(part)}</span>` : part));
  return html`<bdi class=${mono ? "text mono" : "text"}>${shown}</bdi>`;
}
