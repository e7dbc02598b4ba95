// One secret: what it is bound to, where it was used, its versions and its policy.

import { get, send } from "../api.js";
import { keyNames, may, policies, servers, toolsOf, useData, uses } from "../data.js";
import { Confirm, Dialog, Form, toast } from "../dialog.js";
import { Value } from "../fields.js";
import { Ago, actor, count, moment } from "../format.js";
import { Badge, Card, Copy, Facts, Loaded, Page, Snippets, Unloaded } from "../parts.js";
import { Reach, useReach } from "../reach.js";
import { go, href } from "../router.js";
import { Session } from "../session.js";
import { resolving } from "../snippets.js";
import { replace, url } from "../store.js";
import { Table } from "../table.js";
import { Text, visible } from "../text.js";
import { html, useContext, useMemo, useRef, useState } from "../ui.js";
import { Bars } from "../charts.js";
import { recordColumns } from "./audit-records.js";
import { Policy } from "./policy.js";
import { Status } from "./secrets.js";

function ReplaceValue({ secret, etag, onClose, onDone }) {
  const value = useRef();
  const act = async () => {
    const text = value.current.read();
    if (text === undefined) return;
    const { warning } = await replace(secret.secret_id, text, etag);
    value.current.clear();
    toast("The new value is stored. The next call uses it.");
    if (warning) toast(warning, "warn");
    onDone();
  };
  return html`
    <${Dialog} title="Replace the value" onClose=${onClose}>
      <${Form} act=${act} submit="Replace" onCancel=${onClose}>
        <p>The value that is stored now is kept as an older version. Neither is shown.</p>
        <${Value} label="New value" field=${value} autofocus required hint="Paste it as it is; it may have several lines." />
      <//>
    <//>
  `;
}

function Delete({ secret, etag, use, noUse, reach, onClose }) {
  const act = async () => {
    await send("DELETE", url(secret.secret_id), { headers: { "if-match": etag } });
    toast("The secret is deleted.");
    go("secrets");
  };
  const served = reach?.rows.filter((row) => row.isWinner) ?? [];
  return html`
    <${Confirm} title="Delete the secret" submit="Delete" word=${secret.secret_name} act=${act} onClose=${onClose}>
      <p><${Text} of=${secret.secret_name} /> is erased with all its versions. This cannot be undone.</p>
      <ul>
        ${use && html`<li>Last used <${Ago} at=${use.last_used_at} />${use.last_tool && html` for <code><${Text} of=${use.last_tool} /></code>`} by <${Text} of=${use.last_by} />.</li>`}
        ${!use && noUse && html`<li>${noUse.text}.</li>`}
        ${secret.is_default_for_tool && served.length > 0 && html`<li>${count(served.length, "tool")} will get another secret or none, such as <code><${Text} of=${served[0].tool.name} /></code>.</li>`}
        <li>References to <code>secret://${visible(encodeURIComponent(secret.secret_name))}</code> in configurations will fail.</li>
      </ul>
    <//>
  `;
}

function Versions({ secret, onChange }) {
  const state = useData((signal) => get(url(secret.secret_id, "versions"), {}, signal), [secret.secret_id, secret.updated_at]);
  const session = useContext(Session);
  const named = useData((signal) => keyNames(session, signal));
  const [asked, setAsked] = useState(null);
  const done = (text) => {
    setAsked(null);
    toast(text);
    state.reload();
    onChange();
  };
  const restore = async () => {
    await send("POST", url(secret.secret_id, "versions", asked.of.version, "restore"));
    done(`Version ${asked.of.version} is the newest version again.`);
  };
  const erase = async () => {
    await send("DELETE", url(secret.secret_id, "versions", asked.of.version));
    done(`Version ${asked.of.version} is erased.`);
  };
  const buttons = (of) => html`
    <span class="actions">
      <button type="button" class="button small" aria-label=${`Restore version ${of.version}`} onClick=${() => setAsked({ of })}>Restore</button>
      <button type="button" class="button small danger" aria-label=${`Erase version ${of.version}`} onClick=${() => setAsked({ of, isErase: true })}>Erase</button>
    </span>`;
  const columns = [
    { id: "version", head: "Version", className: "slim", cell: ({ version }) => version },
    { id: "at", head: "Stored", cell: ({ created_at: at }) => html`<${Ago} at=${at} />` },
    { id: "by", head: "By", className: "wide", cell: ({ created_by: by }) => html`<${Text} of=${named.data?.get(by) ?? actor(by)} />` },
    { id: "act", head: html`<span class="unheard">Actions</span>`, className: "ends", cell: (of) => (of.state === "current" ? html`<${Badge} tone="good">Current<//>` : buttons(of)) },
  ];
  return html`
    <${Card} title="Versions" flush>
      <${Loaded} state=${state}>
        ${({ data }) => html`<${Table} label="Versions" columns=${columns} rows=${data} keyOf=${({ version }) => version} />`}
      <//>
      ${asked && !asked.isErase && html`
        <${Confirm} title=${`Restore version ${asked.of.version}`} submit="Restore" danger=${false} act=${restore} onClose=${() => setAsked(null)}>
          <p>Its value becomes the newest version. The current value is kept as an older one.</p>
        <//>`}
      ${asked?.isErase && html`
        <${Confirm} title=${`Erase version ${asked.of.version}`} submit="Erase" act=${erase} onClose=${() => setAsked(null)}>
          <p>Its value cannot be restored afterwards. Erase a version that leaked.</p>
        <//>`}
    <//>
  `;
}

function Uses({ secret, use, noUse }) {
  const session = useContext(Session);
  const isShown = may(session, "audit", "admin");
  const state = useData(
    async (signal) => {
      if (!isShown) return { records: [] };
      const [{ data: records }, names] = await Promise.all([get("v1/audit", { secret_id: secret.secret_id, limit: 20 }, signal), keyNames(session, signal)]);
      return { records, names };
    },
    [secret.secret_id, secret.updated_at],
  );
  return html`
    <${Card} title="Use" flush=${isShown} actions=${isShown && html`<a class="button small" href=${href("audit", { secret_id: secret.secret_id })}>Whole trail</a>`}>
      ${use && html`<div class="inset"><${Bars} label="Uses on each of the last 30 days" values=${use.uses} /></div>`}
      ${isShown
        ? html`<${Loaded} state=${state}>
            ${({ records, names }) => html`<${Table} label="Latest records" columns=${recordColumns({ withSecret: false, names })} rows=${records} keyOf=${({ sequence }) => sequence} />`}
          <//>`
        : !use && noUse && html`<p class="hint">${noUse.text}.</p>`}
    <//>
  `;
}

function Details({ secret, etag, version, use, noUse, policy, tools, reload, children }) {
  const [dialog, setDialog] = useState("");
  const draft = { id: secret.secret_id, tool: secret.tool_name ?? "", argument: secret.tool_arg ?? "", isDefault: secret.is_default_for_tool };
  const reach = useReach(draft, tools);
  const close = () => setDialog("");
  const reference = `secret://${encodeURIComponent(secret.secret_name)}`;
  const example = reach.data?.rows[0]?.tool.name ?? (secret.tool_name?.includes("*") === false ? secret.tool_name : null);
  const done = () => {
    close();
    reload();
  };
  return html`
    <${Page} title=${visible(secret.secret_name)} heading=${html`<${Text} of=${secret.secret_name} />`} back=${{ href: href("secrets"), label: "Secrets" }}
      lead=${html`<span class="badges">${secret.is_default_for_tool && html`<${Badge} tone="accent">Default<//>`}</span> <${Status} use=${use} noUse=${noUse} policy=${policy} />`}
      actions=${html`
        <button type="button" class="button" onClick=${() => setDialog("replace")}>Replace the value</button>
        <a class="button" href=${href("secrets", secret.secret_id, "edit")}>Edit</a>
        <button type="button" class="button danger" onClick=${() => setDialog("delete")}>Delete</button>`}>
      ${children}
      <div class="split">
        <div class="stack">
          <${Card} title="Secret">
            <${Facts} of=${[
              ["Value", html`<span class="mono">${secret.display}</span>`],
              ["Tool pattern", secret.tool_name ? html`<${Text} of=${secret.tool_name} mono />` : "any tool, by reference"],
              ["Argument", secret.tool_arg ? html`<${Text} of=${secret.tool_arg} mono />` : "any, by reference"],
              ["Default", secret.is_default_for_tool ? "Yes: it fills the argument by itself" : "No: only a reference applies it"],
              version && ["Version", version],
              (use || noUse) && ["Last used", use ? html`<${Ago} at=${use.last_used_at} />${use.last_tool && html` for <${Text} of=${use.last_tool} mono />`} by <${Text} of=${use.last_by} />` : noUse.text],
              ["Changed", html`<${Ago} at=${secret.updated_at} />`],
              ["Created", moment(secret.created_at)],
              ["Reference", html`<span class="mono">${reference}</span> <${Copy} text=${reference} />`],
              ["ID", html`<span class="mono">${secret.secret_id}</span> <${Copy} text=${secret.secret_id} />`],
            ]} />
          <//>
          <${Versions} secret=${secret} onChange=${reload} />
          <${Uses} secret=${secret} use=${use} noUse=${noUse} />
        </div>
        <div class="stack">
          <${Card} title="What it reaches"><${Reach} draft=${draft} state=${reach} /><//>
          <${Policy} id=${secret.secret_id} onChange=${reload} />
          ${example && html`<${Card} title="In your code"><${Snippets} label="Ways to use it" of=${resolving(example)} /><//>`}
        </div>
      </div>
      ${dialog === "replace" && html`<${ReplaceValue} secret=${secret} etag=${etag} onClose=${close} onDone=${done} />`}
      ${dialog === "delete" && html`<${Delete} secret=${secret} etag=${etag} use=${use} noUse=${noUse} reach=${reach.data} onClose=${close} />`}
    <//>
  `;
}

export function Secret({ id }) {
  const session = useContext(Session);
  const state = useData((signal) => send("GET", url(id), { signal }), [id]);
  const used = useData((signal) => uses(session, signal), [state.data]);
  const ruled = useData(policies, [state.data]);
  const behind = useData((signal) => servers(session, signal));
  const tools = useMemo(() => toolsOf(behind.data ?? []), [behind.data]);
  return html`
    <${Loaded} state=${state}>
      ${({ body, etag }) => html`
        <${Details} secret=${body} etag=${etag} version=${used.data?.versions.get(id)} use=${used.data?.of.get(id)} noUse=${used.data?.noUse} policy=${ruled.data?.get(id)} tools=${tools} reload=${state.reload}>
          <${Unloaded} of=${[["The uses", used], ["The policies", ruled], ["The gateway's tools", behind]]} />
        <//>`}
    <//>
  `;
}
