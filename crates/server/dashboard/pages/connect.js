// Signing in at a tool server: what it would permit and who asks, then the way to its authorization server and back.

import { segment, send } from "../api.js";
import { inWords, leaveFor, takeBrought } from "../connections.js";
import { useData } from "../data.js";
import { Form } from "../dialog.js";
import { Card, Facts, Loaded, Notice, Page } from "../parts.js";
import { go, href } from "../router.js";
import { Session } from "../session.js";
import { Text, visible } from "../text.js";
import { html, useContext, useState } from "../ui.js";

const url = (server, act) => `v1/connections/${segment(server)}/${act}`;

/** Scopes with what they say. */
export const Scopes = ({ of }) => html`
  <ul class="lines" aria-label="Permissions">${of.map((scope) => html`
    <li key=${scope}><${Text} of=${scope} mono />${inWords(scope) && html`: ${inWords(scope)}`}</li>
  `)}</ul>
`;

export function Connect({ id: server = "", query }) {
  const [answer, setAnswer] = useState(() => takeBrought(server));
  const asked = (query.get("scopes") ?? "").split(" ").filter(Boolean);
  return html`
    <${Page} title=${`Sign in at ${visible(server)}`} back=${{ href: href("gateway"), label: "Gateway" }}>
      <div class="approval">
        ${answer ? html`<${Complete} server=${server} of=${answer} again=${() => setAnswer(null)} />` : html`<${Begin} server=${server} asked=${asked} />`}
      </div>
    <//>
  `;
}

function Begin({ server, asked }) {
  const state = useData(async (signal) => {
    const json = asked.length > 0 ? { scopes: asked } : {};
    return (await send("POST", url(server, "begin"), { json, signal })).body;
  });
  return html`<${Loaded} state=${state}>${(begun) => html`<${Request} server=${server} begun=${begun} asked=${asked} />`}<//>`;
}

function Request({ server, begun, asked }) {
  const session = useContext(Session);
  return html`
    <${Card}>
      <p>Toolvault at <strong><${Text} of=${location.host} /></strong> asks for this, so that your agents can use the tools of this server as you. Only Toolvault gets the tokens.</p>
      <${Facts} of=${[
        ["Tool server", html`<${Text} of=${server} mono />`],
        ["You sign in at", html`<strong><${Text} of=${begun.issuer_host} mono /></strong>`],
        ["For the user", html`<${Text} of=${session.user_name} />`],
        ["Permissions", begun.scopes.length > 0 ? html`<${Scopes} of=${begun.scopes} />` : "The server's default permissions"],
      ]} />
      ${asked.length > 0 && html`<${Notice} tone="warn">The link to this page asks for <${Text} of=${asked.join(", ")} mono />. Continue only if a call of your agent just failed without it.<//>`}
      <${Form} act=${() => leaveFor(server, begun)} submit=${`Go on to ${visible(begun.issuer_host)}`} onCancel=${() => go("gateway")} />
    <//>
  `;
}

function Complete({ server, of: { flow, answer }, again }) {
  const state = useData(async () => (await send("POST", url(server, "complete"), { json: { flow, answer } })).body);
  if (state.error) {
    return html`
      <${Notice} tone="bad" title="You are not signed in"><p>${state.error.message}</p><button type="button" class="button small" onClick=${again}>Begin again</button><//>
    `;
  }
  return html`
    <${Loaded} state=${state}>
      ${(connection) => html`
        <${Card}>
          <${Notice} tone="good" title=${`You are signed in at ${visible(server)}`}>Your agents can use its tools now. Go back to them, or to the page <a href=${href("gateway")}>Gateway</a>.<//>
          ${connection.scopes.length > 0 && html`<${Scopes} of=${connection.scopes} />`}
        <//>
      `}
    <//>
  `;
}
