// The policy of a secret: until when, when to rotate, and on what conditions it is applied.

import { send } from "../api.js";
import { useData } from "../data.js";
import { Dialog, Form, toast } from "../dialog.js";
import { Check, Field, Input, Select } from "../fields.js";
import { count, moment } from "../format.js";
import { Badge, Card, Facts, Loaded } from "../parts.js";
import { url } from "../store.js";
import { Text } from "../text.js";
import { html, useState } from "../ui.js";

/** A time as a `datetime-local` field has it, and back. */
const toField = (time) => {
  if (!time) return "";
  const at = new Date(time);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const fromField = (text) => (text ? new Date(text).toISOString() : null);

/** Conditions as lines, `argument = pattern`, and back. */
const toLines = (when) => Object.entries(when).flatMap(([name, patterns]) => patterns.map((pattern) => `${name} = ${pattern}`)).join("\n");

function fromLines(text) {
  // An argument can have any name, also one that objects have by themselves.
  const when = Object.create(null);
  for (const line of text.split("\n").filter((one) => one.trim())) {
    // A name can have the sign too: the first one between spaces counts, as toLines writes it.
    const [, name, pattern] = line.match(/^\s*(.+?)\s+=\s+(.+?)\s*$/) ?? line.match(/^\s*(.+?)\s*=\s*(.+?)\s*$/) ?? [];
    if (!name) throw new Error(`"${line.trim()}" is not a condition. Write it as: argument = pattern.`);
    (when[name] ??= []).push(pattern);
  }
  return when;
}

/** The conditions of `lines`, if lines can say those that there were. */
function changed(when, lines) {
  if (JSON.stringify(fromLines(toLines(when))) === JSON.stringify(when)) return fromLines(lines);
  throw new Error("Some of these conditions cannot be written as lines. Change them with the API.");
}

/** When a person must allow a call that gets the secret. */
const APPROVAL = [
  ["", "Never"],
  ["first", "Until each key was allowed the tool once"],
  ["writes", "For each call of a tool that is not read-only"],
  ["always", "For each call"],
];

function Edit({ id, policy: current, etag: now, onClose, onDone }) {
  // What the fields began with, also if it is read again below them.
  const [[policy, etag]] = useState([current, now]);
  const [expires, setExpires] = useState(toField(policy.expires_at));
  const [days, setDays] = useState(policy.rotate_after_days ?? "");
  const [when, setWhen] = useState(toLines(policy.when));
  const [isProtected, setProtected] = useState(policy.protected);
  const [redact, setRedact] = useState(policy.redact);
  const [approval, setApproval] = useState(policy.approval ?? "");
  const [isCanary, setCanary] = useState(policy.canary);
  const act = async () => {
    const json = {
      // What was not touched stays exactly as it is: a field has no seconds, and lines cannot say everything.
      expires_at: expires === toField(policy.expires_at) ? policy.expires_at : fromField(expires),
      rotate_after_days: days === "" ? null : Number(days),
      when: when === toLines(policy.when) ? policy.when : changed(policy.when, when),
      protected: isProtected,
      redact,
      approval: approval || null,
      canary: isCanary,
    };
    await send("PUT", url(id, "policy"), { json, headers: { "if-match": etag } });
    toast("The policy is changed.");
    onDone();
  };
  return html`
    <${Dialog} title="Policy" onClose=${onClose}>
      <${Form} act=${act} submit="Save" onCancel=${onClose}>
        <div class="pair">
          <${Input} label="Expires" type="datetime-local" value=${expires} onInput=${setExpires} hint="Refused on every path from then on." />
          <${Input} label="Rotate after" type="number" min="1" max="36500" value=${days} onInput=${setDays} placeholder="never" hint="Days after which a new value is due." />
        </div>
        <${Field} label="Only if other arguments match" hint="One condition a line. A URL has a whole origin, then a path.">
          ${(joined) => html`<textarea class="mono" rows="3" spellcheck=${false} placeholder="base_url = https://api.github.com/*" value=${when} ...${joined} onInput=${(event) => setWhen(event.target.value)} />`}
        <//>
        <${Select} label="Ask a person before a call" value=${approval} onInput=${setApproval} options=${APPROVAL} hint="Such a call waits on the page Approvals. Then only calls through the gateway get the secret." />
        <${Check} label="Protected" checked=${isProtected} onInput=${setProtected} hint="Only the value can be replaced, and nothing may take precedence over it." />
        <${Check} label="Confidential" checked=${redact} onInput=${setRedact} hint="Remove the value from what tools answer. Turn it off for a user name." />
        <${Check} label="Canary" checked=${isCanary} onInput=${setCanary} hint="A bait: it is never applied, and who tries to use it, or sends its value, sets off an alarm." />
      <//>
    <//>
  `;
}

export function Policy({ id, onChange }) {
  const state = useData((signal) => send("GET", url(id, "policy"), { signal }), [id]);
  const [isOpen, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    // It may have been refused because the policy is another one now.
    state.reload();
  };
  const done = () => {
    close();
    onChange();
  };
  const conditions = (when) => Object.entries(when).map(([name, patterns]) => html`<div class="mono"><${Text} of=${`${name} = ${patterns.join(" or ")}`} /></div>`);
  return html`
    <${Card} title="Policy" actions=${state.data && html`<button type="button" class="button small" onClick=${() => setOpen(true)}>Change the policy</button>`}>
      <${Loaded} state=${state}>
        ${({ body: policy, etag }) => html`
          <${Facts} of=${[
            ["Expires", policy.expires_at ? moment(policy.expires_at) : "Never"],
            ["Rotation", policy.rotate_after_days ? `Due after ${count(policy.rotate_after_days, "day")}` : "Not scheduled"],
            ["Conditions", Object.keys(policy.when).length > 0 ? conditions(policy.when) : "None"],
            ["Protected", policy.protected ? "Yes: only its value can be replaced" : "No"],
            ["Approval", policy.approval ? APPROVAL.find(([mode]) => mode === policy.approval)[1] : "No person is asked"],
            policy.canary && ["Canary", html`<${Badge} tone="warn">Never applied<//> An attempt to use it sets off an alarm`],
            ["Confidential", policy.redact ? "Yes: removed from answers" : "No: left in answers"],
          ]} />
          ${isOpen && html`<${Edit} id=${id} policy=${policy} etag=${etag} onClose=${close} onDone=${done} />`}
        `}
      <//>
    <//>
  `;
}
