// Whether the person is signed in at a server of the gateway, the way there, and the end of it.

import { segment, send } from "../api.js";
import { Confirm, toast } from "../dialog.js";
import { Ago } from "../format.js";
import { Facts, Notice } from "../parts.js";
import { href } from "../router.js";
import { Text, visible } from "../text.js";
import { html, useState } from "../ui.js";
import { Scopes } from "./connect.js";

/** `of` is the connection as the API lists it. */
export function Account({ of, reload }) {
  const [isEnding, setEnding] = useState(false);
  const connect = (label) => html`<a class="button small" href=${href("connect", of.server)}>${label}</a>`;
  if (of.state === "not_connected") {
    return html`<div class="inset"><${Notice} tone="warn" title="You are not signed in at this server"><p>Sign in, so that your agents can use its tools. ${connect("Connect")}</p><//></div>`;
  }
  const end = async () => {
    const { body } = await send("DELETE", `v1/connections/${segment(of.server)}`);
    setEnding(false);
    if (body.revoked) toast(`You are signed out at ${of.server}.`);
    else toast(`You are signed out at ${of.server}. Its authorization server did not take the tokens back: end the access there, too.`, "warn");
    reload();
  };
  return html`
    <div class="inset">
      ${of.state === "needs_sign_in" && html`<${Notice} tone="warn" title="You must sign in at this server again"><p>Its authorization server no longer accepts your sign-in. ${connect("Connect")}</p><//>`}
      <${Facts} of=${[
        ["Signed in at", html`<${Text} of=${of.issuer} mono />`],
        ["Since", html`<${Ago} at=${of.connected_at} />`],
        ["Last used", of.last_used_at ? html`<${Ago} at=${of.last_used_at} />` : "Not yet"],
        ["Token expires", of.expires_at ? html`<${Ago} at=${of.expires_at} />${of.can_refresh && ", then it is renewed"}` : "Not known"],
        ["Permissions", of.scopes.length > 0 ? html`<${Scopes} of=${of.scopes} />` : "Not told"],
      ]} />
      <p class="actions">${of.state === "connected" && connect("Sign in again")}<button type="button" class="button small" aria-label=${`Disconnect ${visible(of.server)}`} onClick=${() => setEnding(true)}>Disconnect</button></p>
      ${isEnding && html`
        <${Confirm} title=${`Disconnect ${visible(of.server)}?`} submit="Disconnect" act=${end} onClose=${() => setEnding(false)}>
          <p>Toolvault deletes its tokens and asks the authorization server to revoke them. Your agents can no longer use this server.</p>
        <//>`}
    </div>
  `;
}
