// Which tools a binding reaches, and which secret wins there: the preview of the form.

import { explain } from "./api.js";
import { useData, useDelayed } from "./data.js";
import { count } from "./format.js";
import { beats, isSameArgument, isTooBroad, matches } from "./patterns.js";
import { Badge, Notice } from "./parts.js";
import { href } from "./router.js";
import { Text } from "./text.js";
import { html, useState } from "./ui.js";

/** How many tools are explained. */
const MOST = 300;

/** The tools that the pattern reaches, of those that are known. */
export function reached(pattern, tools) {
  if (!pattern) return [];
  const found = tools.filter(({ name }) => matches(pattern, name));
  return found.length === 0 && !pattern.includes("*") ? [{ name: pattern, isUnknown: true }] : found;
}

/**
 * What `draft` (`{ id, tool, argument, isDefault }`) would do: `{ rows, shadowed, of }`, with one row for each tool,
 * `{ tool, isWinner, other, why }`, and the secrets that it would take precedence over.
 */
export async function judge(draft, tools, signal, most = MOST) {
  const found = reached(draft.tool, tools);
  if (!draft.argument || !draft.isDefault) return { rows: found.map((tool) => ({ tool })), shadowed: [], of: found.length };
  const asked = found.slice(0, most);
  const calls = asked.map(({ name }) => ({ tool_name: name, accepts: [draft.argument] }));
  const explained = await explain(calls, signal);
  const rows = asked.map((tool, index) => {
    const argument = explained[index]?.arguments.find(({ arg }) => isSameArgument(arg, draft.argument));
    const other = argument?.candidates.find(({ secret_id: id }) => id !== draft.id);
    return { tool, other, isWinner: !other || beats(draft.tool, other.pattern) };
  });
  const shadowed = new Map();
  for (const { isWinner, other } of rows) if (other && isWinner) shadowed.set(other.secret_id, other);
  return { rows, shadowed: [...shadowed.values()], of: found.length };
}

/** The judgement of the draft, a moment after its last change. */
export function useReach(draft, tools) {
  const [settled, setSettled] = useState(draft);
  const { id, tool, argument, isDefault } = draft;
  useDelayed(() => setSettled(draft), 200, [tool, argument, isDefault]);
  return useData((signal) => judge(settled, tools, signal), [id, settled.tool, settled.argument, settled.isDefault, tools]);
}

const Verdict = ({ row, isDefault }) => {
  if (!isDefault) return null;
  if (!row.other) return html`<${Badge} tone="good">Wins<//>`;
  const name = html`<a href=${href("secrets", row.other.secret_id)}><${Text} of=${row.other.secret_name} /></a>`;
  return row.isWinner
    ? html`<${Badge} tone="warn">Wins<//> <span class="hint">over ${name}</span>`
    : html`<${Badge} tone="muted">Loses<//> <span class="hint">to ${name}, whose pattern is more exact</span>`;
};

/** The preview beside the form. */
export function Reach({ draft, state }) {
  const { data, error } = state;
  if (!draft.tool) {
    return html`<p class="hint">Without a tool pattern, the secret is used only where a reference names it: <code>secret://name</code>.</p>`;
  }
  if (error) return html`<${Notice} tone="bad">${error.message}<//>`;
  if (!data) return html`<p class="waiting" role="status">Loading …</p>`;
  const isUnknown = data.rows[0]?.tool.isUnknown;
  return html`
    <div class="reach" aria-live="polite" aria-busy=${state.isLoading}>
      ${!isUnknown && html`<p><strong>${count(data.of, "known tool")}</strong> ${data.of === 1 ? "matches" : "match"} <code><${Text} of=${draft.tool} /></code>.</p>`}
      ${isUnknown && html`<p class="hint">The gateway does not know this tool. The secret is for a runtime that calls a tool of exactly this name.</p>`}
      ${data.of === 0 && html`<p class="hint">Tools outside the gateway are not known here. Check the spelling: upper and lower case matter.</p>`}
      ${draft.isDefault && isTooBroad(draft.tool) && html`
        <${Notice} tone="warn" title="Too broad for the gateway">There, a pattern must begin with the name of a server, such as <code>linear__*</code>. Runtimes that resolve are not limited.<//>
      `}
      ${!draft.isDefault && data.of > 0 && html`<p class="hint">It is not a default: only a reference applies it to ${data.of === 1 ? "this tool" : "these tools"}.</p>`}
      ${draft.isDefault && !draft.argument && html`<${Notice} tone="warn">Without an argument, a default is never applied.<//>`}
      <ul class="tools">
        ${data.rows.slice(0, MOST).map((row) => html`
          <li key=${row.tool.name}><span class="mono"><${Text} of=${row.tool.name} /></span><span><${Verdict} row=${row} isDefault=${draft.isDefault && draft.argument} /></span></li>
        `)}
      </ul>
      ${data.of > MOST && html`<p class="hint">The first ${MOST} of them are shown.</p>`}
    </div>
  `;
}
