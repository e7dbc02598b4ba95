// Users, their limits and keys, and the state of the server. For the scope `admin`.

import { get, segment, send } from "../api.js";
import { useData } from "../data.js";
import { Confirm, Dialog, Form, toast } from "../dialog.js";
import { Input } from "../fields.js";
import { Ago, bytes, moment, number } from "../format.js";
import { Icon } from "../icons.js";
import { Badge, Card, Facts, Loaded, Page } from "../parts.js";
import { Session } from "../session.js";
import { base } from "../snippets.js";
import { Table } from "../table.js";
import { Text, visible } from "../text.js";
import { html, useContext, useState } from "../ui.js";
import { KeyTable } from "./keys.js";

const url = (id) => `v1/users/${segment(id)}`;
const asNumber = (text) => (text === "" ? null : Number(text));

function Create({ onClose, onDone }) {
  const [name, setName] = useState("");
  const act = async () => {
    await send("POST", "v1/users", { json: { name } });
    toast("The user is created.");
    onDone();
  };
  return html`
    <${Dialog} title="New user" onClose=${onClose}>
      <${Form} act=${act} submit="Create the user" onCancel=${onClose}>
        <${Input} label="Name" autofocus required maxlength="1024" value=${name} onInput=${setName} />
        <p class="hint">Keys for the user are made on the server's machine: <code>toolvault key create --user NAME --scope use</code>.</p>
      <//>
    <//>
  `;
}

function Limits({ of, onClose, onDone }) {
  const [secrets, setSecrets] = useState(of.secrets_limit ?? "");
  const [size, setSize] = useState(of.bytes_limit ?? "");
  const act = async () => {
    await send("PATCH", url(of.user_id), { json: { secrets_limit: asNumber(secrets), bytes_limit: asNumber(size) } });
    toast("The limits are changed.");
    onDone();
  };
  return html`
    <${Dialog} title=${`Limits of ${visible(of.name)}`} onClose=${onClose}>
      <${Form} act=${act} submit="Save" onCancel=${onClose}>
        <${Input} label="Secrets" autofocus type="number" min="0" value=${secrets} onInput=${setSecrets} placeholder="as configured" />
        <${Input} label="Bytes" type="number" min="0" value=${size} onInput=${setSize} placeholder="as configured" hint="The sum of the current values." />
      <//>
    <//>
  `;
}

function Delete({ of, onClose, onDone }) {
  const act = async () => {
    await send("DELETE", url(of.user_id));
    toast("The user is deleted.");
    onDone();
  };
  return html`
    <${Confirm} title="Delete the user" submit="Delete" word=${of.name} act=${act} onClose=${onClose}>
      <p><${Text} of=${of.name} />, with all secrets and keys. This cannot be undone.</p>
    <//>
  `;
}

function SignOut({ of, isSelf, onClose, onDone }) {
  const act = async () => {
    await send("DELETE", `${url(of.user_id)}/sessions`);
    toast("The sessions are ended.");
    onDone();
  };
  return html`
    <${Confirm} title="End all sessions" submit="End them" act=${act} onClose=${onClose}>
      <p><${Text} of=${of.name} /> is signed out of the dashboard in every browser. Keys and tokens stay valid.</p>
      ${isSelf && html`<p><strong>This includes yours.</strong></p>`}
    <//>
  `;
}

function UserKeys({ of, onClose }) {
  const state = useData((signal) => get("v1/keys", { user_id: of.user_id }, signal), [of.user_id]);
  return html`
    <${Dialog} title=${`Keys of ${visible(of.name)}`} onClose=${onClose} wide>
      <${Loaded} state=${state}>
        ${({ data }) => (data.length > 0 ? html`<${KeyTable} rows=${data} reload=${state.reload} />` : html`<p class="waiting">This user has no key.</p>`)}
      <//>
    <//>
  `;
}

function Manage({ of, isSelf, ask, onDone, onClose }) {
  const disable = async () => {
    await send("PATCH", url(of.user_id), { json: { disabled: !of.disabled } });
    toast(of.disabled ? "The user is enabled." : "The user is disabled.");
    onDone();
  };
  const limit = (value, show) => (value === null ? "As configured" : show(value));
  return html`
    <${Dialog} title=${visible(of.name)} onClose=${onClose}>
      <${Facts} of=${[
        ["ID", html`<span class="mono">${of.user_id}</span>`],
        ["Origin", html`<${Text} of=${of.origin} />`],
        ["Since", moment(of.created_at)],
        ["Secrets", limit(of.secrets_limit, number)],
        ["Values", limit(of.bytes_limit, bytes)],
      ]} />
      <div class="actions end">
        <button type="button" class="button" onClick=${() => ask("keys")}>Keys</button>
        <button type="button" class="button" onClick=${() => ask("limits")}>Change the limits</button>
        <button type="button" class="button" onClick=${() => ask("signOut")}>End all sessions</button>
      </div>
      ${!isSelf && html`
        <${Form} act=${disable} submit=${of.disabled ? "Enable" : "Disable"} danger=${!of.disabled}>
          <p class="hint">${of.disabled ? "Enabling accepts the user's keys again." : "Disabling refuses the user's keys, and keeps everything."}</p>
        <//>
        <p><button type="button" class="button danger" onClick=${() => ask("delete")}>Delete the user</button></p>`}
    <//>
  `;
}

const DIALOGS = { create: Create, manage: Manage, limits: Limits, signOut: SignOut, delete: Delete, keys: UserKeys };

function Users() {
  const session = useContext(Session);
  const state = useData((signal) => get("v1/users", {}, signal));
  const [asked, setAsked] = useState(null);
  const done = () => {
    setAsked(null);
    state.reload();
  };
  const limits = ({ secrets_limit: most, bytes_limit: size }) =>
    [most !== null && `${number(most)} secrets`, size !== null && bytes(size)].filter(Boolean).join(", ") || html`<span class="hint">As configured</span>`;
  const columns = [
    {
      id: "name",
      head: "User",
      cell: (of) => html`
        <${Text} of=${of.name} /> ${of.user_id === session.user_id && html`<${Badge} tone="accent">You<//>`} ${of.origin !== "local" && html`<${Badge}><${Text} of=${of.origin} /><//>`}
        <span class="second mono">${of.user_id}</span>`,
    },
    { id: "limits", head: "Limits", className: "medium wide", cell: limits },
    { id: "since", head: "Since", className: "narrow wider", cell: ({ created_at: at }) => html`<${Ago} at=${at} />` },
    { id: "state", head: "State", className: "narrow", cell: ({ disabled }) => (disabled ? html`<${Badge} tone="bad">Disabled<//>` : html`<${Badge} tone="good">Enabled<//>`) },
    {
      id: "act",
      head: html`<span class="unheard">Actions</span>`,
      className: "narrow ends",
      cell: (of) => html`<button type="button" class="button small" aria-label=${`Manage ${visible(of.name)}`} onClick=${() => setAsked({ act: "manage", of })}>Manage</button>`,
    },
  ];
  const Asked = asked && DIALOGS[asked.act];
  return html`
    <${Card} title="Users" flush actions=${html`<button type="button" class="button small" onClick=${() => setAsked({ act: "create" })}><${Icon} name="add" />New user</button>`}>
      <${Loaded} state=${state}>
        ${({ data }) => html`<${Table} label="Users" columns=${columns} rows=${data} keyOf=${({ user_id: id }) => id} />`}
      <//>
      ${Asked && html`
        <${Asked} key=${asked.act} of=${asked.of} isSelf=${asked.of?.user_id === session.user_id} ask=${(act) => setAsked({ ...asked, act })} onClose=${() => setAsked(null)} onDone=${done} />`}
    <//>
  `;
}

async function serverState(signal) {
  const ready = await get("readyz", {}, signal).then(({ status }) => status, ({ message }) => message);
  const { info } = await get("openapi.json", {}, signal);
  return { ready, version: info.version };
}

function Status() {
  const state = useData(serverState);
  return html`
    <${Card} title="Server">
      <${Loaded} state=${state}>
        ${({ ready, version }) => html`
          <${Facts} of=${[
            ["State", html`<${Badge} tone=${ready === "ready" ? "good" : "bad"}>${ready === "ready" ? "Ready" : ready}<//>`],
            ["Address", html`<span class="mono">${base}</span>`],
            ["Metrics", html`<span class="mono">${base}/metrics</span>, for Prometheus, with a key that has the scope admin`],
            ["API", html`Version ${version}: <a href="docs">every operation</a>`],
            ["More", html`On the server's machine, <code>toolvault status</code> shows its version, its backups and the trail; <code>toolvault doctor</code> checks it.`],
          ]} />`}
      <//>
    <//>
  `;
}

export const Admin = () => html`
  <${Page} title="Admin" lead="Users, their limits and keys, and the state of this server.">
    <div class="stack"><${Users} /><${Status} /></div>
  <//>
`;
