// What the arguments of a tool would get, and why, without any value.

import { segment, send } from "../api.js";
import { servers, toolsOf, useData } from "../data.js";
import { Form } from "../dialog.js";
import { Combobox, Field } from "../fields.js";
import { Icon } from "../icons.js";
import { Badge, Card, Empty, Notice, Page, Snippet } from "../parts.js";
import { href, replace } from "../router.js";
import { Session } from "../session.js";
import { explaining } from "../snippets.js";
import { Text } from "../text.js";
import { html, useContext, useEffect, useRef, useState } from "../ui.js";

const OUTCOMES = {
  received: ["muted", "Keeps what was sent"],
  default: ["good", "Gets the default"],
  binding: ["good", "Gets the reference"],
  none: ["muted", "Gets nothing"],
  secret_not_available: ["bad", "Not available"],
  secret_expired: ["bad", "Expired"],
  secret_missing: ["bad", "Missing"],
  secret_ambiguous: ["bad", "Ambiguous"],
};

const Named = ({ of }) => html`<a href=${href("secrets", of.secret_id)}><${Text} of=${of.secret_name} /></a>`;

function Argument({ of, tool }) {
  const [tone, text] = OUTCOMES[of.outcome] ?? ["", of.outcome];
  const lacks = of.outcome === "secret_missing" || (of.outcome === "none" && of.near.length > 0);
  return html`
    <li class="argument">
      <div class="line"><strong class="mono"><${Text} of=${of.arg} /></strong> <${Badge} tone=${tone}>${text}<//></div>
      ${of.tied && html`<${Notice} tone="warn">Only the time of the last change decided. Make one pattern more exact.<//>`}
      <ul class="reasons">
        ${of.candidates.map((one) => html`
          <li class=${one.wins ? "wins" : ""}><${Icon} name=${one.wins ? "done" : "close"} /><span><${Named} of=${one} /> ${one.pattern && html`<code><${Text} of=${one.pattern} /></code>`}<span class="hint">: ${one.why}</span></span></li>
        `)}
        ${of.near.map((one) => html`<li><${Icon} name="info" /><span><${Named} of=${one} /> <span class="hint">does not apply: ${one.why}</span></span></li>`)}
      </ul>
      ${lacks && html`<a class="button small" href=${href("secrets", "new", { tool, argument: of.arg })}>Set it</a>`}
    </li>
  `;
}

const Outcome = ({ title, lead, of, tool }) => html`
  <${Card} title=${title} actions=${of && html`<${Badge} tone=${of.would_succeed ? "good" : "bad"}>${of.would_succeed ? "Would succeed" : "Would be refused"}<//>`}>
    <p><${Text} of=${tool} mono /></p>
    <p class="hint">${lead}</p>
    ${of && (of.arguments.length > 0
      ? html`<ul class="arguments">${of.arguments.map((argument) => html`<${Argument} key=${argument.arg} of=${argument} tool=${tool} />`)}</ul>`
      : html`<p>No secret applies to this tool.</p>`)}
  <//>
`;

function Outcomes({ of }) {
  const behind = of.gateway;
  return html`
    <div class="split even">
      <${Outcome} title="A runtime that resolves" lead="Completes the call itself, with a key that has the scope resolve." of=${of} tool=${of.tool_name} />
      <${Outcome} title="The gateway" of=${behind} tool=${of.tool_name}
        lead=${behind ? html`Calls the server <strong>${behind.server}</strong> for an agent.${!behind.schema_known && " Its schema is not known now, so every argument counts as declared."}` : "Your key reaches no server that has this tool."} />
    </div>
  `;
}

export function Try({ query }) {
  const session = useContext(Session);
  const behind = useData((signal) => servers(session, signal));
  const [tool, setTool] = useState(query.get("tool") ?? "");
  const [args, setArgs] = useState("");
  const [outcome, setOutcome] = useState(null);
  const aborter = useRef(null);
  const options = toolsOf(behind.data ?? []).map(({ name, title }) => ({ value: name, note: title }));
  const act = async () => {
    const json = {};
    if (args.trim()) {
      try {
        json.args = JSON.parse(args);
      } catch {
        throw new Error('The arguments are not JSON. Write an object, such as {"issue_id": "ENG-42"}.');
      }
    }
    aborter.current = new AbortController();
    const { signal } = aborter.current;
    try {
      const { body } = await send("POST", `v1/tools/${segment(tool)}/explain`, { json, signal });
      if (signal.aborted) return;
      setOutcome(body);
      replace("try", { tool });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  useEffect(() => {
    if (tool) act().catch(() => {});
    return () => aborter.current?.abort();
  }, []);
  /** An answer for what was there before does not come any more. */
  const changed = (set) => (next) => {
    aborter.current?.abort();
    set(next);
    setOutcome(null);
  };
  return html`
    <${Page} title="Try it" lead="What each argument of a tool would receive, and why. No value is read.">
      <${Card}>
        <${Form} act=${act} submit="Explain">
          <${Combobox} label="Tool" required value=${tool} onInput=${changed(setTool)} options=${options} placeholder="linear__get_issue" hint="Its whole name, without *." />
          <details>
            <summary>Arguments that the model sends</summary>
            <${Field} label="Arguments" hint="JSON. They are data: a reference in them stays as it is. Write no credential here.">
              ${(joined) => html`<textarea class="mono" rows="3" spellcheck=${false} autocomplete="off" placeholder='{"issue_id": "ENG-42"}' value=${args} ...${joined} onInput=${(event) => changed(setArgs)(event.target.value)} />`}
            <//>
          </details>
        <//>
      <//>
      ${outcome
        ? html`<${Outcomes} of=${outcome} />`
        : html`
          <${Empty} icon="try" title="Choose a tool">
            <p>You see which secret wins for each argument, which others were considered, and what is missing. The same with curl:</p>
            <${Snippet} label="Explain with curl" text=${explaining(tool || "linear__get_issue")} />
          <//>`}
    <//>
  `;
}
