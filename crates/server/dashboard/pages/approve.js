// A key for a command line: the person compares what both show, and approves. The server gives a code for it, of which
// only the command line that asked can make the key.

import { send } from "../api.js";
import { Form } from "../dialog.js";
import { Check, Input, Select } from "../fields.js";
import { Card, Notice, Page, Snippet } from "../parts.js";
import { go } from "../router.js";
import { DAY, SCOPES } from "../scopes.js";
import { Session } from "../session.js";
import { Text } from "../text.js";
import { html, useContext, useState } from "../ui.js";

const SPANS = [1, 7, 30, 90].map((days) => [String(days * DAY), days === 1 ? "In a day" : `In ${days} days`]);

/** What the terminal shows, too. */
const compared = (challenge) => challenge.slice(0, 12).match(/.{4}/g).join("-");

export function Approve({ query }) {
  const challenge = query.get("challenge") ?? "";
  const port = query.get("port");
  const isWhole = /^[0-9a-f]{64}$/.test(challenge) && (port === null || /^[1-9]\d{0,4}$/.test(port));
  return html`
    <${Page} title="A key for your command line">
      <div class="approval">
        ${isWhole ? html`<${Request} challenge=${challenge} port=${port} proposed=${query.get("name") ?? ""} />`
          : html`<${Notice} tone="bad">The address is not complete. Run <code>toolvault login</code> again.<//>`}
      </div>
    <//>
  `;
}

function Request({ challenge, port, proposed }) {
  const session = useContext(Session);
  const [name, setName] = useState(proposed.slice(0, 100));
  const [scopes, setScopes] = useState(session.scopes.filter((scope) => scope !== "admin"));
  const [span, setSpan] = useState(String(30 * DAY));
  const [code, setCode] = useState(null);
  const toggle = (scope, isOn) => setScopes(isOn ? [...scopes, scope] : scopes.filter((one) => one !== scope));
  const act = async () => {
    if (scopes.length === 0) throw new Error("Choose at least one scope.");
    const { body } = await send("POST", "v1/session/approvals", { json: { challenge, name, scopes, expires_in: Number(span) } });
    if (port === null) setCode(body.code);
    else location.assign(`http://127.0.0.1:${port}/${challenge}?code=${body.code}`);
  };
  if (code) {
    return html`
      <${Card}>
        <${Notice} tone="warn">Paste this only into the terminal in which you ran <code>toolvault login</code>. Whoever asks you for it elsewhere wants to act as you.<//>
        <${Snippet} label="Code, for the next two minutes" text=${code} />
      <//>
    `;
  }
  return html`
    <${Card}>
      <p>A command line asks for an API key of <strong><${Text} of=${session.user_name} /></strong>. Approve it only if
        you ran <code>toolvault login</code> just now, and your terminal shows:</p>
      <p class="compared">${compared(challenge)}</p>
      <${Form} act=${act} submit="Approve" onCancel=${() => go()}>
        <${Input} label="Name of the key" required maxlength="100" value=${name} onInput=${setName} />
        <fieldset>
          <legend>What it may do</legend>
          ${SCOPES.filter(([scope]) => session.scopes.includes(scope)).map(([scope, hint]) => html`
            <${Check} label=${scope} hint=${hint} checked=${scopes.includes(scope)} onInput=${(isOn) => toggle(scope, isOn)} />
          `)}
        </fieldset>
        <${Select} label="Expires" value=${span} onInput=${setSpan} options=${SPANS} hint="The key does not end with your session. Revoke it under Keys, or with toolvault logout." />
      <//>
    <//>
  `;
}

export const Approved = () => html`
  <${Page} title="Approved">
    <div class="approval"><${Notice}>Go back to your terminal, which says whether it is signed in. You can close this tab.<//></div>
  <//>
`;
