// The forms that create and change a secret, with a preview of what the binding does.

import { catalogue } from "../catalogue.js";
import { send } from "../api.js";
import { servers, toolsOf, useData } from "../data.js";
import { Dialog, Form, toast } from "../dialog.js";
import { Check, Combobox, Input, Value } from "../fields.js";
import { matches } from "../patterns.js";
import { Card, Loaded, Notice, Page, Unloaded } from "../parts.js";
import { judge, Reach, reached, useReach } from "../reach.js";
import { go, href } from "../router.js";
import { Session } from "../session.js";
import { change, create, url } from "../store.js";
import { Text } from "../text.js";
import { html, useContext, useEffect, useMemo, useRef, useState } from "../ui.js";

/** Patterns to propose: each server's, then each tool, then those that are well known. */
function patternsOf(list) {
  const ofServers = list.map(({ name, tools }) => ({ value: `${name}__*`, note: `all ${tools.length} tools of ${name}` }));
  const ofTools = toolsOf(list).map(({ name, title }) => ({ value: name, note: title ?? "" }));
  return [...ofServers, ...ofTools, ...catalogue.map(({ pattern }) => ({ value: pattern, note: "well known" }))];
}

/** Arguments to propose for a pattern: credentials that nothing serves come first. */
function argumentsOf(pattern, tools) {
  const notes = new Map();
  const add = (names, note) => names.forEach((name) => notes.has(name) || notes.set(name, note));
  const found = reached(pattern, tools).filter(({ isUnknown }) => !isUnknown);
  for (const tool of found) add(tool.missing, "nothing serves it yet");
  for (const tool of found) add(tool.hidden, "hidden from the model");
  for (const known of catalogue) {
    if (known.pattern === pattern || matches(known.pattern, pattern)) add(known.arguments, "well known");
  }
  for (const tool of found) add(tool.arguments, "");
  return [...notes].map(([value, note]) => ({ value, note }));
}

/** What is asked before a default takes precedence over others, or may do so. */
const Shadowing = ({ shadowed, error, onConfirm, onClose }) => html`
  <${Dialog} title=${error ? "It may take precedence over another secret" : "It takes precedence over another secret"} onClose=${onClose}>
    <${Form} act=${onConfirm} submit="Store it" onCancel=${onClose}>
      ${error
        ? html`<p>Whether another secret serves this argument now could not be found out: ${error.message}</p>`
        : html`
          <p>From now on, calls get this secret in place of:</p>
          <ul>${shadowed.map((other) => html`<li><${Text} of=${other.secret_name} /> <span class="hint">(<code><${Text} of=${other.pattern} /></code>)</span></li>`)}</ul>`}
    <//>
  <//>
`;

/** The secrets that the draft takes precedence over now, of all tools: the preview may be of an earlier draft. */
async function shadowedBy(draft, session, signal) {
  const tools = toolsOf(await servers(session, signal));
  return (await judge(draft, tools, signal, Infinity)).shadowed;
}

function Fields({ initial, id, submit, act, back, withValue }) {
  const session = useContext(Session);
  const behind = useData((signal) => servers(session, signal));
  const list = behind.data ?? [];
  const tools = useMemo(() => toolsOf(list), [behind.data]);
  const patterns = useMemo(() => patternsOf(list), [behind.data]);
  const [name, setName] = useState(initial.name);
  const [tool, setTool] = useState(initial.tool);
  const [argument, setArgument] = useState(initial.argument);
  const [isDefault, setDefault] = useState(initial.isDefault);
  const [asked, setAsked] = useState(null);
  const value = useRef();
  const draft = { id, tool, argument, isDefault };
  const reach = useReach(draft, tools);
  const aborter = useMemo(() => new AbortController(), []);
  useEffect(() => () => aborter.abort(), []);

  const store = async () => {
    const secret = { secret_name: name, tool_name: tool || null, tool_arg: argument || null, is_default_for_tool: isDefault };
    await act(secret, withValue ? value.current.read() : null);
    value.current?.clear();
  };
  const check = async () => {
    if (withValue && value.current.read() === undefined) return;
    const isRebound = tool !== initial.tool || argument !== initial.argument || isDefault !== initial.isDefault;
    const question = isRebound && isDefault && tool && argument
      ? await shadowedBy(draft, session, aborter.signal).then((shadowed) => ({ shadowed }), (error) => ({ shadowed: [], error }))
      : { shadowed: [] };
    if (aborter.signal.aborted) return;
    if (question.error || question.shadowed.length > 0) setAsked({ ...question, store });
    else await store();
  };
  return html`
    <${Unloaded} of=${[["The gateway's tools", behind]]} />
    <div class="split">
      <${Card}>
        <${Form} act=${check} submit=${submit} onCancel=${() => go(...back)}>
          <${Input} label="Name" required maxlength="1024" value=${name} onInput=${setName} placeholder="linear-prod"
            hint="How you and references name it." autofocus />
          ${withValue && html`<${Value} label="Value" field=${value} required
            hint="Paste it as it is; it may have several lines. It is not shown again." />`}
          <div class="pair">
            <${Combobox} label="Tool pattern" value=${tool} onInput=${setTool} options=${patterns} maxlength="1024" placeholder="linear__*"
              hint="Each * stands for any characters." />
            <${Combobox} label="Argument" value=${argument} onInput=${setArgument} options=${argumentsOf(tool, tools)} maxlength="1024"
              placeholder="api_token" hint=${html`A name, or a pointer such as <code>/params/api_key</code>.`} />
          </div>
          <${Check} label="Default" hint="Fills the argument by itself when a call leaves it out." checked=${isDefault} onInput=${setDefault} />
          ${isDefault && reach.data?.shadowed.length > 0 && html`
            <${Notice} tone="warn" title="Another secret serves this argument now">This one would take precedence over${" "}
              ${reach.data.shadowed.map((other, index) => html`${index > 0 && ", "}<a href=${href("secrets", other.secret_id)}><${Text} of=${other.secret_name} /></a>`)}.<//>
          `}
        <//>
      <//>
      <${Card} title="What it reaches"><${Reach} draft=${draft} state=${reach} /><//>
    </div>
    ${asked && html`<${Shadowing} shadowed=${asked.shadowed} error=${asked.error} onConfirm=${asked.store} onClose=${() => setAsked(null)} />`}
  `;
}

export function NewSecret({ query }) {
  const initial = {
    name: query.get("name") ?? "",
    tool: query.get("tool") ?? "",
    argument: query.get("argument") ?? "",
    isDefault: query.get("default") !== "false",
  };
  const act = async (secret, value) => {
    const { body, warning } = await create(secret, value);
    toast("The secret is stored.");
    if (warning) toast(warning, "warn");
    go("secrets", body.secret_id);
  };
  return html`
    <${Page} title="New secret" back=${{ href: href("secrets"), label: "Secrets" }}>
      <${Fields} initial=${initial} submit="Store the secret" act=${act} back=${["secrets"]} withValue />
    <//>
  `;
}

export function EditSecret({ id }) {
  const state = useData((signal) => send("GET", url(id), { signal }), [id]);
  return html`
    <${Page} title="Edit the secret" back=${{ href: href("secrets", id), label: "Back to the secret" }}>
      <${Loaded} state=${state}>
        ${({ body: secret, etag }) => {
          const initial = {
            name: secret.secret_name,
            tool: secret.tool_name ?? "",
            argument: secret.tool_arg ?? "",
            isDefault: secret.is_default_for_tool,
          };
          const act = async (fields) => {
            const changed = Object.fromEntries(Object.entries(fields).filter(([field, value]) => value !== secret[field]));
            const { warning } = await change(id, changed, etag);
            toast("The secret is changed.");
            if (warning) toast(warning, "warn");
            go("secrets", id);
          };
          return html`<${Fields} initial=${initial} id=${id} submit="Save" act=${act} back=${["secrets", id]} />`;
        }}
      <//>
    <//>
  `;
}
