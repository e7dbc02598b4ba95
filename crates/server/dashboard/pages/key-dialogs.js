// The dialogs that create and rotate a key, and show it once.

import { segment, send } from "../api.js";
import { Dialog, Form, toast } from "../dialog.js";
import { Check, Field, Input, Select } from "../fields.js";
import { date } from "../format.js";
import { Copy, Notice, Snippets } from "../parts.js";
import { DAY, SCOPES } from "../scopes.js";
import { Session } from "../session.js";
import { clients } from "../snippets.js";
import { Text } from "../text.js";
import { html, useContext, useRef, useState } from "../ui.js";

const SPANS = [
  [String(7 * DAY), "In 7 days"],
  [String(30 * DAY), "In 30 days"],
  [String(90 * DAY), "In 90 days"],
  [String(365 * DAY), "In a year"],
  ["", "Never"],
  ["at", "On a date …"],
];

/** A key's tool patterns, one a line. */
const Patterns = ({ value, onInput }) => html`
  <${Field} label="Only these tools" hint="Patterns, one a line. Empty for no limit.">
    ${(joined) => html`<textarea class="mono" rows="2" spellcheck=${false} autocomplete="off" placeholder="linear__*" value=${value} ...${joined} onInput=${(event) => onInput(event.target.value)} />`}
  <//>
`;

export function CreateKey({ onClose, onDone }) {
  const session = useContext(Session);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(session.scopes.includes("use") ? ["use"] : []);
  const [tools, setTools] = useState("");
  const [span, setSpan] = useState(String(90 * DAY));
  const [day, setDay] = useState("");
  const toggle = (scope, isOn) => setScopes(isOn ? [...scopes, scope] : scopes.filter((one) => one !== scope));
  const act = async () => {
    if (scopes.length === 0) throw new Error("Choose at least one scope.");
    if (span === "at" && !day) throw new Error("Choose the date on which the key expires.");
    const ends = span === "at" ? { expires_at: new Date(`${day}T23:59:59`).toISOString() } : span ? { expires_in: Number(span) } : {};
    const patterns = tools.split("\n").map((one) => one.trim()).filter(Boolean);
    const { body } = await send("POST", "v1/keys", { json: { name, scopes, tools: patterns, ...ends } });
    onDone(body);
  };
  return html`
    <${Dialog} title="New key" onClose=${onClose}>
      <${Form} act=${act} submit="Create the key" onCancel=${onClose}>
        <${Input} label="Name" autofocus required maxlength="1024" value=${name} onInput=${setName} placeholder="claude-code" hint="The person or program that uses it." />
        <fieldset>
          <legend>Scopes</legend>
          ${SCOPES.filter(([scope]) => session.scopes.includes(scope)).map(([scope, hint]) => html`
            <${Check} label=${scope} hint=${hint} checked=${scopes.includes(scope)} onInput=${(isOn) => toggle(scope, isOn)} />
          `)}
        </fieldset>
        ${scopes.includes("use") && scopes.some((scope) => scope === "manage" || scope === "resolve") && html`
          <${Notice} tone="warn">A key for an agent has the scope use only.<//>
        `}
        <${Patterns} value=${tools} onInput=${setTools} />
        <div class="pair">
          <${Select} label="Expires" value=${span} onInput=${setSpan} options=${SPANS} />
          ${span === "at" && html`<${Input} label="Date" type="date" value=${day} onInput=${setDay} />`}
        </div>
      <//>
    <//>
  `;
}

export function RotateKey({ of, onClose, onDone }) {
  const [overlap, setOverlap] = useState("3600");
  const act = async () => {
    const { body } = await send("POST", `v1/keys/${segment(of.key_id)}/rotate`, { json: { overlap_seconds: Number(overlap) } });
    onDone(body);
  };
  const spans = [["0", "At once"], ["3600", "In an hour"], [String(DAY), "In a day"], [String(7 * DAY), "In 7 days"]];
  return html`
    <${Dialog} title="Rotate the key" onClose=${onClose}>
      <${Form} act=${act} submit="Make a new key" onCancel=${onClose}>
        <p>You get a new key with the rights of <${Text} of=${of.name || of.key_id} />. Keys that were created with the old one stop working with it.</p>
        <${Select} label="The old key expires" value=${overlap} onInput=${setOverlap} options=${spans} />
      <//>
    <//>
  `;
}

/** Shows a new key once. It is only in this dialog, until that is closed. */
export function ShowKey({ issued, onClose }) {
  const [isStored, setStored] = useState(false);
  const field = useRef();
  const finish = () => {
    field.current.value = "";
    toast("The key is ready. It is not shown again.");
    onClose();
  };
  return html`
    <${Dialog} title="Copy your key now" mustFinish>
      <div class="form">
        <${Notice} tone="warn">This is the only time that it is shown. Toolvault keeps only a hash of it.<//>
        <${Field} label=${issued.name || "Key"} hint=${`${issued.scopes.join(", ")}${issued.expires_at ? `, until ${date(issued.expires_at)}` : ""}`}>
          ${(joined) => html`<div class="once"><input class="mono" readonly ref=${(element) => { field.current = element ?? field.current; if (element) element.value = issued.key; }} ...${joined} onFocus=${(event) => event.target.select()} /><${Copy} text=${issued.key} primary /></div>`}
        <//>
        ${issued.scopes.length === 1 && issued.scopes[0] === "use" && html`<details><summary>Connect a client</summary><${Snippets} label="Clients" of=${clients()} /></details>`}
        <${Check} label="I stored it" checked=${isStored} onInput=${setStored} />
        <div class="actions end"><button type="button" class="button primary" disabled=${!isStored} onClick=${finish}>Done</button></div>
      </div>
    <//>
  `;
}
