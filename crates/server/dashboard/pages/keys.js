// API keys.

import { get, segment, send } from "../api.js";
import { useData } from "../data.js";
import { Confirm, toast } from "../dialog.js";
import { Check } from "../fields.js";
import { Ago, date } from "../format.js";
import { Icon } from "../icons.js";
import { Badge, Empty, Loaded, Page, Snippets } from "../parts.js";
import { replace } from "../router.js";
import { Session } from "../session.js";
import { clients } from "../snippets.js";
import { Table } from "../table.js";
import { Text, visible } from "../text.js";
import { html, useContext, useEffect, useState } from "../ui.js";
import { CreateKey, RotateKey, ShowKey } from "./key-dialogs.js";

const isOver = ({ revoked_at: revoked, expires_at: expires }) => Boolean(revoked) || (expires && Date.parse(expires) <= Date.now());

/** Whether a key expires within a week. */
const expiresSoon = ({ expires_at: expires }) => expires && Date.parse(expires) - Date.now() < 7 * 86_400_000;

function State({ of }) {
  if (of.revoked_at) return html`<${Badge} tone="muted">Revoked<//>`;
  if (isOver(of)) return html`<${Badge} tone="bad">Expired<//>`;
  return expiresSoon(of) ? html`<${Badge} tone="warn">Expires soon<//>` : html`<${Badge} tone="good">Active<//>`;
}

const scopesOf = ({ scopes }) => scopes.join(", ");

const columns = (session, ask) => [
  {
    id: "name",
    head: "Name",
    className: "medium",
    cell: (key) => html`<${Text} of=${key.name || "without a name"} /> ${key.key_id === session.key_id && html`<${Badge} tone="accent">This session<//>`}<span class="second mono wide">tvk_${key.key_id}_…</span><span class="second phone">${scopesOf(key)}</span>`,
  },
  {
    id: "scopes",
    head: "Scopes",
    className: "wide",
    cell: (key) => html`<span class="hint" title=${scopesOf(key)}>${scopesOf(key)}</span> ${key.any_user && html`<${Badge} tone="warn">any user<//>`}
      ${key.tools.length > 0 && html`<span class="second mono"><${Text} of=${key.tools.join(", ")} /></span>`}`,
  },
  { id: "used", head: "Last used", className: "narrow wide", cell: ({ last_used_at: at }) => (at ? html`<${Ago} at=${at} />` : html`<span class="hint">Never</span>`) },
  { id: "expires", head: "Expires", className: "narrow wider", cell: ({ expires_at: at }) => (at ? html`<time datetime=${at} title=${at}>${date(at)}</time>` : html`<span class="hint">Never</span>`) },
  { id: "state", head: "State", className: "slim wide", cell: (key) => html`<${State} of=${key} />` },
  {
    id: "act",
    head: html`<span class="unheard">Actions</span>`,
    className: "ends",
    cell: (key) => !isOver(key) && html`
      <span class="actions">
        <button type="button" class="button small" aria-label=${`Rotate ${visible(key.name)}`} onClick=${() => ask("rotate", key)}>Rotate</button>
        <button type="button" class="button small danger" aria-label=${`Revoke ${visible(key.name)}`} onClick=${() => ask("revoke", key)}>Revoke</button>
      </span>`,
  },
];

function Revoke({ of, session, onClose, onDone }) {
  const act = async () => {
    await send("DELETE", `v1/keys/${segment(of.key_id)}`);
    toast("The key is revoked.");
    onDone();
  };
  return html`
    <${Confirm} title="Revoke the key" submit="Revoke" act=${act} onClose=${onClose}>
      <p><${Text} of=${of.name || of.key_id} /> stops working at once, with every key that was created with it. This cannot be undone.</p>
      ${of.key_id === session.key_id && html`<p><strong>You are signed in with this key.</strong> Revoking it signs you out.</p>`}
      <p class="hint">${of.last_used_at ? html`It was last used <${Ago} at=${of.last_used_at} />.` : "It was never used."}</p>
    <//>
  `;
}

/** The keys of a user, with what can be done to them. */
export function KeyTable({ rows, reload }) {
  const session = useContext(Session);
  const [asked, setAsked] = useState(null);
  const [issued, setIssued] = useState(null);
  const [withOver, setWithOver] = useState(false);
  const close = () => setAsked(null);
  const done = (key) => {
    close();
    if (key?.key) setIssued(key);
    reload();
  };
  const shown = rows.filter((key) => withOver || !isOver(key)).reverse();
  return html`
    ${rows.some(isOver) && html`<div class="filters"><${Check} label="Show expired and revoked keys" checked=${withOver} onInput=${setWithOver} /></div>`}
    <${Table} label="Keys" columns=${columns(session, (act, key) => setAsked({ act, key }))} rows=${shown} keyOf=${({ key_id: id }) => id} />
    ${asked?.act === "revoke" && html`<${Revoke} of=${asked.key} session=${session} onClose=${close} onDone=${done} />`}
    ${asked?.act === "rotate" && html`<${RotateKey} of=${asked.key} onClose=${close} onDone=${done} />`}
    ${issued && html`<${ShowKey} issued=${issued} onClose=${() => setIssued(null)} />`}
  `;
}

export function Keys({ query }) {
  const session = useContext(Session);
  const keys = useData((signal) => get("v1/keys", { user_id: session.user_id }, signal));
  const [isCreating, setCreating] = useState(false);
  const [issued, setIssued] = useState(null);
  const wantsNew = query.has("new");
  useEffect(() => {
    if (!wantsNew) return;
    replace("keys");
    setCreating(true);
  }, [wantsNew]);
  const create = html`<button type="button" class="button primary" onClick=${() => setCreating(true)}><${Icon} name="add" />New key</button>`;
  const done = (key) => {
    setCreating(false);
    setIssued(key);
    keys.reload();
  };
  return html`
    <${Page} title="Keys" lead="API keys for you, your agents and your runtimes. Each does only what its scopes allow." actions=${create}>
      <${Loaded} state=${keys}>
        ${({ data }) => (data.length > 0
          ? html`<${KeyTable} rows=${data} reload=${keys.reload} />`
          : html`
            <${Empty} icon="keys" title="Create a key for your agent" action=${create}>
              <p>With the scope <code>use</code> it calls tools through the gateway, and never receives a value.</p>
              <${Snippets} label="How clients use it" of=${clients()} />
            <//>`)}
      <//>
      ${isCreating && html`<${CreateKey} onClose=${() => setCreating(false)} onDone=${done} />`}
      ${issued && html`<${ShowKey} issued=${issued} onClose=${() => setIssued(null)} />`}
    <//>
  `;
}
