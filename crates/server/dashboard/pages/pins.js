// Tools that are not as they were when they were first seen, and an administrator's consent.

import { get, segment, send } from "../api.js";
import { useData } from "../data.js";
import { Dialog, Form, toast } from "../dialog.js";
import { Ago, count } from "../format.js";
import { Notice, Unloaded } from "../parts.js";
import { Text, visible } from "../text.js";
import { html, useState } from "../ui.js";

const url = (server) => `v1/gateway/pins/${segment(server)}`;

const Lines = ({ of, label }) => html`<ul class="lines" aria-label=${label}>${of.map((line) => html`<li><${Text} of=${line} /></li>`)}</ul>`;

function Review({ server, pin, onClose, onDone }) {
  const { sha256, seen_at: seen, differences, warnings } = pin.change;
  const act = async () => {
    await send("POST", url(server), { json: { tool: pin.tool, sha256 } });
    toast("The change is accepted.");
    onDone();
  };
  return html`
    <${Dialog} title=${`The change of ${visible(pin.tool)}`} onClose=${onClose} wide>
      <${Form} act=${act} submit="Accept the change" onCancel=${onClose}>
        <p>Pinned <${Ago} at=${pin.pinned_at} />, changed <${Ago} at=${seen} />.</p>
        ${differences
          ? html`<${Lines} of=${differences} label="Differences" />`
          : html`<${Notice} tone="warn">The definitions were not kept: they are longer than 32 KiB, or hold a value. Ask the server's operator.<//>`}
        ${warnings.length > 0 && html`<${Notice} tone="warn" title="Warnings"><${Lines} of=${warnings} label="Warnings" /><//>`}
        <p class="hint">Read it as text for a model: does it ask for other data, other tools or other files? It is accepted for all users.</p>
      <//>
    <//>
  `;
}

/**
 * What an administrator should know of a server's tools. `of` is the server, anew with each load of the page, which
 * `reload` loads again.
 */
export function Pins({ of, reload }) {
  const state = useData(async (signal) => (await get(url(of.name), {}, signal)).data, [of]);
  const [reviewed, setReviewed] = useState(null);
  const pins = state.data ?? [];
  const changed = pins.filter(({ change }) => change);
  const warned = pins.filter(({ warnings }) => warnings.length > 0);
  return html`
    <${Unloaded} of=${[[`The pins of ${of.name}`, state]]} />
    ${changed.length > 0 && html`
      <div class="inset"><${Notice} tone="warn" title=${`The server changed ${count(changed.length, "tool")}`}>
        <p>A tool that gets a secret is withheld until its change is accepted.</p>
        <ul class="lines">${changed.map((pin) => html`
          <li key=${pin.tool}><${Text} of=${pin.tool} mono /> <button type="button" class="button small" aria-label=${`Review ${visible(pin.tool)}`} onClick=${() => setReviewed(pin)}>Review</button></li>
        `)}</ul>
      <//></div>`}
    ${warned.length > 0 && html`
      <div class="inset"><${Notice} tone="warn" title=${`${count(warned.length, "tool")} may deceive`}>
        <ul class="lines">${warned.map((pin) => html`<li key=${pin.tool}><${Text} of=${pin.tool} mono />: <${Text} of=${pin.warnings.join("; ")} /></li>`)}</ul>
      <//></div>`}
    ${reviewed && html`<${Review} server=${of.name} pin=${reviewed} onClose=${() => setReviewed(null)} onDone=${() => { setReviewed(null); reload(); }} />`}
  `;
}
