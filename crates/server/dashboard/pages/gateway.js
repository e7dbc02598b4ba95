// The servers behind the gateway, their tools, and what those lack.

import { get } from "../api.js";
import { may, servers, useData, useRepeated } from "../data.js";
import { Ago, count } from "../format.js";
import { Icon } from "../icons.js";
import { Badge, Card, Empty, Loaded, Notice, Page, Snippets, Unloaded } from "../parts.js";
import { href } from "../router.js";
import { Session } from "../session.js";
import { adding, clients } from "../snippets.js";
import { Table } from "../table.js";
import { Text, visible } from "../text.js";
import { html, useContext, useState } from "../ui.js";
import { Account } from "./account.js";
import { Pins } from "./pins.js";

const STATES = {
  ok: ["good", "Working"],
  failing: ["bad", "Failing"],
  needs_sign_in: ["warn", "Needs a sign-in"],
  unknown: ["muted", "Not asked yet"],
};

/** What it means that a server has no tool here. If it fails, the error says enough. */
const NO_TOOLS = {
  ok: "It has no tool for you: it lists none that your key reaches, or those were withheld because they changed.",
  unknown: "Your key lacks the scope use, so the server is not asked for its tools.",
};

function Arguments({ of }) {
  const hidden = new Set(of.hidden);
  const all = [...new Set([...of.arguments, ...of.hidden])];
  return html`
    <span class="parameters">
      ${all.map((name) => (hidden.has(name)
        ? html`<span class="parameter"><del title="Hidden from the model"><${Text} of=${name} mono /></del></span>`
        : html`<span class="parameter"><${Text} of=${name} mono /></span>`))}
    </span>
  `;
}

/** Which calls of a tool a person must allow. */
const APPROVAL = { always: "each call", first: "the first call with a key", writes: "each call, unless it only reads" };

const Missing = ({ of, mayManage }) => html`
  <span class="actions">
    ${of.missing.map((name) => (mayManage
      ? html`<a class="button small" href=${href("secrets", "new", { tool: `${of.name.slice(0, of.name.length - of.tool_name.length)}*`, argument: name, name: `${of.name.split("__")[0]}-${name}` })}>Set ${name}</a>`
      : html`<${Badge} tone="warn">${name} is missing<//>`))}
    <a class="button small quiet" aria-label=${`Try it: ${visible(of.tool_name)}`} href=${href("try", { tool: of.name })}>Try it</a>
  </span>
`;

const Tool = ({ of, mayManage }) => html`
  <li>
    <div><${Text} of=${of.tool_name} mono /> ${of.approval && html`<${Badge} title=${`A person allows ${APPROVAL[of.approval]}`}>Approval<//>`}${of.title && html`<span class="second"><${Text} of=${of.title} /></span>`}</div>
    <${Arguments} of=${of} />
    <${Missing} of=${of} mayManage=${mayManage} />
  </li>
`;

function Server({ of, connection, mayManage, mayAdmin, reload }) {
  const [isOpen, setOpen] = useState(false);
  const [tone, text] = STATES[of.state] ?? ["", of.state];
  const missing = of.tools.filter((tool) => tool.missing.length > 0).length;
  return html`
    <${Card} flush title=${html`<span class="mono">${of.name}</span> <${Badge} tone=${tone}>${text}<//> ${missing > 0 && html`<${Badge} tone="warn">${count(missing, "tool")} lack${missing === 1 ? "s" : ""} a secret<//>`}`}
      actions=${html`<span class="hint">${of.transport === "stdio" ? "Program" : "HTTP"}${of.as_of && html`, asked <${Ago} at=${of.as_of} />`}</span>
        <button type="button" class="button small" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>Connect a client</button>`}>
      ${of.error && html`<div class="inset"><${Notice} tone="bad" title="The last request failed"><${Text} of=${of.error} /><//></div>`}
      ${of.missing?.length > 0 && html`
        <div class="inset"><${Notice} tone="warn" title="A credential of the server is missing">
          ${of.missing.map((name) => html`<p><code>${name}</code> ${mayManage && html`<a href=${href("secrets", "new", { tool: `${of.name}__*`, argument: name, default: "false" })}>Store the secret that the configuration names there</a>`}</p>`)}
        <//></div>`}
      ${connection && html`<${Account} of=${connection} reload=${reload} />`}
      ${mayAdmin && html`<${Pins} of=${of} reload=${reload} />`}
      ${isOpen && html`<div class="inset"><${Snippets} label="Clients" of=${clients(of.name)} /></div>`}
      ${of.tools.length > 0
        ? html`<ul class="rows" aria-label=${`Tools of ${of.name}`}>${of.tools.map((tool) => html`<${Tool} key=${tool.name} of=${tool} mayManage=${mayManage} />`)}</ul>`
        : NO_TOOLS[of.state] && html`<p class="inset hint">${NO_TOOLS[of.state]}</p>`}
    <//>
  `;
}

const CALLS = [
  { id: "at", head: "Time", className: "narrow", cell: ({ at }) => html`<${Ago} at=${at} />` },
  { id: "tool", head: "Tool", cell: ({ tool }) => html`<${Text} of=${tool ?? ""} mono />` },
  { id: "arguments", head: "Arguments", className: "wide", cell: ({ arguments: args = [] }) => html`<span class="mono"><${Text} of=${args.join(", ")} /></span>` },
  { id: "took", head: "Took", className: "slim wide", cell: ({ duration_ms: took }) => took !== undefined && `${took} ms` },
  { id: "decision", head: "Outcome", className: "narrow", cell: ({ decision, reason }) => html`<${Badge} tone=${decision === "allowed" ? "good" : "bad"} title=${reason}>${decision === "allowed" ? "Done" : reason ?? "Refused"}<//>` },
];

function Calls() {
  const state = useData(async (signal) => (await get("v1/audit", { action: "tool.called", limit: 20 }, signal)).data);
  useRepeated(state.reload, 5000);
  return html`
    <${Card} title="Recent calls" flush>
      <${Loaded} state=${state}>
        ${(records) => (records.length > 0
          ? html`<${Table} label="Recent calls" columns=${CALLS} rows=${records} keyOf=${({ sequence }) => sequence} />`
          : html`<p class="inset hint">No agent has called a tool yet.</p>`)}
      <//>
    <//>
  `;
}

export function Gateway() {
  const session = useContext(Session);
  const state = useData((signal) => servers(session, signal));
  const mayManage = may(session, "manage");
  // After the servers: whether one wants a sign-in is known when it was asked.
  const accounts = useData(async (signal) => (mayManage && state.data ? (await get("v1/connections", {}, signal)).data : []), [state.data]);
  const reload = state.reload;
  const of = (server) => accounts.data?.find((connection) => connection.server === server);
  return html`
    <${Page} title="Gateway" lead="MCP servers that your agents reach through Toolvault. Arguments that are struck through are hidden from the model."
      actions=${html`<button type="button" class="button" onClick=${reload} disabled=${state.isLoading}><${Icon} name="refresh" />Refresh</button>`}>
      <${Unloaded} of=${[["Where you are signed in", accounts]]} />
      <${Loaded} state=${state}>
        ${(list) => (list.length > 0
          ? html`<p class="hint above">To list its tools, a server is asked with its own credentials. The trail records that as a use.</p><div class="stack">${list.map((server) => html`<${Server} key=${server.name} of=${server} connection=${of(server.name)} mayManage=${mayManage} mayAdmin=${may(session, "admin")} reload=${reload} />`)}</div>`
          : html`
            <${Empty} icon="gateway" title="Put a server behind the gateway">
              <p>Agents then call its tools at <code>/mcp</code>, and each call gets its credentials on the way. On the server's machine:</p>
              <${Snippets} label="Ways to add a server" of=${adding} />
            <//>`)}
      <//>
      ${state.data && accounts.data?.filter(({ server }) => !state.data.some(({ name }) => name === server)).map((connection) => html`
        <${Card} key=${connection.server} flush title=${html`<span class="mono">${connection.server}</span> <${Badge} tone="muted">No longer behind the gateway<//>`}>
          <${Account} of=${connection} reload=${reload} />
        <//>
      `)}
      ${may(session, "audit", "admin") && html`<${Calls} />`}
    <//>
  `;
}
