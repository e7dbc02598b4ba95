// The sign-in page.

import { Form } from "../dialog.js";
import { Field } from "../fields.js";
import { Notice } from "../parts.js";
import { leaveFor, signIn } from "../session.js";
import { html, useEffect, useRef } from "../ui.js";

export function SignIn({ message, issuers, onSignedIn }) {
  const field = useRef();
  useEffect(() => {
    document.title = "Sign in · Toolvault";
    if (issuers.length === 0) field.current.focus();
    const clear = () => (field.current.value = "");
    addEventListener("pagehide", clear);
    return () => removeEventListener("pagehide", clear);
  }, []);
  const act = async () => {
    const key = field.current.value.trim();
    try {
      const session = await signIn({ key });
      field.current.value = "";
      onSignedIn(session);
    } catch (refusal) {
      field.current.select();
      if (refusal.status === 401) throw new Error("This key is not valid, or it has expired or was revoked.");
      throw refusal;
    }
  };
  return html`
    <main class="sign-in">
      <p class="brand"><img src="dashboard/icon.svg" alt="" width="28" height="28" />Toolvault</p>
      <section class="card">
        <h1>Sign in</h1>
        ${message && html`<${Notice} tone=${message.tone}>${message.text}<//>`}
        ${issuers.map((name) => html`<${Form} key=${name} act=${() => leaveFor(name)} submit=${`Sign in with ${name}`} />`)}
        ${issuers.length > 0 && html`<p class="or hint">or</p>`}
        <${Form} act=${act} submit="Sign in" quiet=${issuers.length > 0}>
          <${Field} label="API key" hint="One of your own, with the scope manage. It is sent to this server once and is not kept in the browser.">
            ${(joined) => html`<input ref=${field} class="mono" type="password" required placeholder="tvk_…" autocomplete="off" autocapitalize="off" spellcheck=${false} ...${joined} />`}
          <//>
        <//>
        <hr />
        <p class="hint">On the machine of the server, <code>toolvault open</code> signs you in without a key.</p>
      </section>
    </main>
  `;
}
