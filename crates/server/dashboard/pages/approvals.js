// Calls of tools that wait for a person, and what was allowed beforehand.

import { get, segment, send } from "../api.js";
import { useData, useRepeated } from "../data.js";
import { Confirm, toast } from "../dialog.js";
import { Ago, actor, count, moment } from "../format.js";
import { Badge, Card, Empty, Facts, Loaded, Notice, Page } from "../parts.js";
import { go, href } from "../router.js";
import { Table } from "../table.js";
import { Text, visible } from "../text.js";
import { html, useId, useState } from "../ui.js";
import { approvals } from "../waiting.js";

/** How often a page with calls that wait is loaded again, in milliseconds. */
const EVERY = 3000;

const url = (id) => `v1/approvals/${segment(id)}`;

const DECISIONS = [
  ["once", "Allow once", "button primary"],
  ["hour", "Allow for an hour", "button"],
  ["always", "Always allow with these arguments", "button"],
  ["refuse", "Refuse", "button danger"],
];

const DECIDED = {
  once: ["good", "Allowed once", "The call goes on. If its agent no longer waits, it can call again within ten minutes."],
  hour: ["good", "Allowed for an hour", "The call goes on. This key may use the tool with any arguments until then."],
  always: ["good", "Always allowed", "The call goes on. This key may use the tool with exactly these arguments, until you revoke it or the tool changes."],
  refuse: ["", "Refused", "The agent is told so."],
};

const Caller = ({ of }) => html`<${Text} of=${of.requester || actor(of.requested_by)} />`;

/** Why a person is asked. */
const Why = ({ of }) => {
  const who = of.secret_name === null ? "The configuration of the server" : html`The policy of the secret <${Text} of=${of.secret_name} />`;
  return html`${who}${of.need === "first" ? ", until this key was allowed the tool once; then with any arguments" : ", for each call"}`;
};

const facts = (of) => [
  of.title && ["Title", html`<${Text} of=${of.title} />`],
  ["Key", html`<${Caller} of=${of} />`],
  ["Asked", html`<${Ago} at=${of.requested_at} />`],
  ["Why", html`<${Why} of=${of} />`],
];

const Name = ({ of }) => html`<${Text} of=${of.tool} mono /> <span class="hint">of the server <${Text} of=${of.server} mono /></span>`;

/** From how many characters on a person is told to read to the end. */
const LONG = 1500;

/** The arguments of a call, in which values are masked. */
function Arguments({ of }) {
  const id = useId();
  const text = JSON.stringify(of, null, 2);
  return html`
    <h3 id=${id}>Arguments</h3>
    ${text.length > LONG && html`<p class="hint">${count(text.length, "character")}. Read to the end before you allow it.</p>`}
    <pre class="given" tabindex="0" role="region" aria-labelledby=${id}>${text.split("\n").map((line, index) => html`${index > 0 && "\n"}<${Text} of=${line} />`)}</pre>
  `;
}

/** A call that waits, with what a person can do about it. It stays where it is, so that no other comes under the pointer. */
function Request({ of, isWaiting, onDecided }) {
  const [decision, setDecision] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const id = useId();
  const decide = async (chosen) => {
    setBusy(true);
    setRefusal(null);
    try {
      await send("POST", url(of.approval_id), { json: { decision: chosen } });
      setDecision(chosen);
    } catch (error) {
      setRefusal(error);
    }
    setBusy(false);
    onDecided();
  };
  const [tone, title, text] = DECIDED[decision] ?? [];
  return html`
    <${Card} title=${html`<span id=${id}><${Name} of=${of} /></span>`}>
      <${Facts} of=${[...facts(of), isWaiting && !decision && ["Waits until", moment(of.expires_at)]]} />
      <${Arguments} of=${of.arguments} />
      ${refusal && html`<${Notice} tone="bad">${refusal.message}<//>`}
      <div class="decisions" role="status">
        ${decision && html`<${Notice} tone=${tone} title=${title}>${text}<//>`}
        ${!decision && !isWaiting && html`<${Notice} title="It no longer waits">It was decided elsewhere, was withdrawn, or its time is over.<//>`}
      </div>
      ${!decision && isWaiting && !JSON.rawJSON && html`<${Notice} tone="bad" title="This browser is too old to decide">It rounds large numbers, so what is shown may not be what is sent. Use a current browser, or <code>toolvault approval</code>.<//>`}
      ${!decision && isWaiting && JSON.rawJSON && html`
        <div class="actions" role="group" aria-labelledby=${id}>
          ${DECISIONS.map(([name, label, className]) => html`
            <button type="button" class=${className} aria-describedby=${id} disabled=${isBusy} onClick=${() => decide(name)}>${label}</button>
          `)}
        </div>
        <p class="hint">For an hour: each call of this tool with this key, with any arguments.</p>
      `}
    <//>
  `;
}

/** What is shown of the calls that wait: those that were there first, until the person asks for those that came since. */
function Requests({ waiting, onDecided }) {
  const [shown, setShown] = useState(waiting);
  const all = shown.length > 0 ? shown : waiting;
  if (all !== shown) setShown(all);
  const ids = new Set(waiting.map(({ approval_id: id }) => id));
  const isShown = new Set(all.map(({ approval_id: id }) => id));
  const more = waiting.filter(({ approval_id: id }) => !isShown.has(id));
  if (all.length === 0) {
    return html`
      <${Empty} icon="approvals" title="No call waits for you">
        <p>A call of a tool waits here if the policy of a secret that it gets asks for a person, or the configuration of its
          server does. Set it in the policy of a <a href=${href("secrets")}>secret</a>.</p>
      <//>
    `;
  }
  return html`
    <div class="stack">
      ${all.map((one) => html`<${Request} key=${one.approval_id} of=${one} isWaiting=${ids.has(one.approval_id)} onDecided=${onDecided} />`)}
    </div>
    <div class="later" aria-live="polite">
      ${more.length > 0 && html`
        <${Notice} tone="warn">${more.length === 1 ? "Another call waits." : `${more.length} more calls wait.`} <button type="button" class="button small" onClick=${() => setShown(waiting)}>Show</button><//>
      `}
    </div>
  `;
}

const ALLOWS = { once: "One call, these arguments", hour: "Each call, any arguments", always: "Each call, these arguments" };
const allows = ({ decision }) => ALLOWS[decision] ?? decision;

const STANDING = (revoke) => [
  { id: "tool", head: "Tool", cell: (of) => html`<a href=${href("approvals", of.approval_id)}><${Text} of=${of.tool} mono /></a><span class="second"><${Text} of=${of.server} mono /></span>` },
  { id: "key", head: "Key", className: "wide", cell: (of) => html`<${Caller} of=${of} />` },
  { id: "allows", head: "Allows", className: "wide", cell: allows },
  { id: "ends", head: "Ends", className: "narrow", cell: (of) => (of.expires_at ? html`<${Ago} at=${of.expires_at} />` : "Never") },
  { id: "actions", head: html`<span class="unheard">Actions</span>`, className: "narrow ends", cell: (of) => html`<button type="button" class="button small" aria-label=${`Revoke ${visible(of.tool)}`} onClick=${() => revoke(of)}>Revoke</button>` },
];

function Revoke({ of, onClose, onDone }) {
  const act = async () => {
    await send("DELETE", url(of.approval_id));
    toast("The approval is revoked.");
    onDone();
  };
  return html`
    <${Confirm} title="Revoke the approval" submit="Revoke" act=${act} onClose=${onClose}>
      <p>The next call of <${Text} of=${of.tool} mono /> with the key <${Caller} of=${of} /> asks again.</p>
    <//>
  `;
}

export function Approvals() {
  const state = useData(approvals);
  const [revoked, setRevoked] = useState(null);
  useRepeated(state.reload, EVERY);
  return html`
    <${Page} title="Approvals" lead="Calls of your agents that wait until a person allows them.">
      <${Loaded} state=${state}>
        ${({ waiting, standing }) => html`
          <${Requests} waiting=${waiting} onDecided=${state.reload} />
          ${standing.length > 0 && html`
            <${Card} title="Allowed" flush>
              <${Table} label="Allowed" columns=${STANDING(setRevoked)} rows=${standing} keyOf=${(of) => of.approval_id} />
            <//>
          `}
        `}
      <//>
      ${revoked && html`<${Revoke} of=${revoked} onClose=${() => setRevoked(null)} onDone=${() => { setRevoked(null); state.reload(); }} />`}
    <//>
  `;
}

const STATES = { allowed: ["good", "Allowed"], used: ["muted", "Used"], refused: ["bad", "Refused"], expired: ["muted", "Expired"] };

function Decided({ of }) {
  const [isRevoking, setRevoking] = useState(false);
  const [tone, text] = STATES[of.state] ?? ["", of.state];
  return html`
    <${Card} title=${html`<${Name} of=${of} /> <${Badge} tone=${tone}>${text}<//>`} actions=${of.state === "allowed" && html`<button type="button" class="button small" onClick=${() => setRevoking(true)}>Revoke</button>`}>
      <${Facts} of=${[
        ...facts(of),
        of.state === "allowed" && ["Allows", allows(of)],
        of.decided_at && ["Decided", html`<${Ago} at=${of.decided_at} />${of.decided_by && html` by <${Text} of=${actor(of.decided_by)} />`}`],
        of.expires_at && ["Ends", html`<${Ago} at=${of.expires_at} />`],
      ]} />
      <${Arguments} of=${of.arguments} />
      ${isRevoking && html`<${Revoke} of=${of} onClose=${() => setRevoking(false)} onDone=${() => go("approvals")} />`}
    <//>
  `;
}

/** One call, to which a link leads. */
export function Approval({ id }) {
  const state = useData((signal) => get(url(id), {}, signal), [id]);
  // What waited when the page opened keeps its place, also after the decision.
  const [asked, setAsked] = useState(null);
  if (state.data?.state === "pending" && !asked) setAsked(state.data);
  useRepeated(() => state.data?.state === "pending" && state.reload(), EVERY);
  const missing = state.error?.status === 404 && !state.data;
  return html`
    <${Page} title="Approval" back=${{ href: href("approvals"), label: "Approvals" }}>
      ${missing ? html`<${Notice} title="There is no such call">It is over for more than a day, was withdrawn, or is another user's. Sign in as the user whose key made the call.<//>`
        : html`<${Loaded} state=${state}>
          ${(of) => (asked ? html`<${Request} of=${asked} isWaiting=${of.state === "pending"} onDecided=${state.reload} />` : html`<${Decided} of=${of} />`)}
        <//>`}
    <//>
  `;
}
