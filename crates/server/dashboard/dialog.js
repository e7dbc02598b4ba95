// Dialogs, and short messages that go away by themselves.

import { Icon } from "./icons.js";
import { Notice } from "./parts.js";
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "./ui.js";
import { visible } from "./text.js";

/** A dialog. Escape and the button close it, except with `mustFinish`. */
export function Dialog({ title, onClose, mustFinish, wide, children }) {
  const ref = useRef();
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog.showModal();
    // Closing gives the focus back to where it was.
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    if (!mustFinish) onClose();
  };
  // Browsers close a dialog at the second Escape, even if the first was refused.
  const keep = (event) => mustFinish && event.key === "Escape" && event.preventDefault();
  return html`
    <dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${cancel} onKeyDown=${keep}>
      <header>
        <h2 id=${id}>${title}</h2>
        ${!mustFinish && html`
          <button type="button" class="button quiet icon" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
        `}
      </header>
      ${children}
    </dialog>
  `;
}

/** A form that sends once at a time and shows why it was refused. `act` gets the form's element. */
export function Form({ act, submit, danger, quiet, disabled, onCancel, children, className = "form" }) {
  const [refusal, setRefusal] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setRefusal(null);
    try {
      await act(event.target);
    } catch (error) {
      setRefusal(error);
    }
    setBusy(false);
  };
  return html`
    <form class=${className} onSubmit=${send} autocomplete="off">
      ${children}
      ${refusal && html`<${Notice} tone="bad">${refusal.message}<//>`}
      <div class="actions end">
        ${onCancel && html`<button type="button" class="button" onClick=${onCancel}>Cancel</button>`}
        <button type="submit" class=${quiet ? "button" : danger ? "button primary danger" : "button primary"} disabled=${disabled || isBusy}>${submit}</button>
      </div>
    </form>
  `;
}

/** Asks before `act`. With `word`, that must be typed. */
export function Confirm({ title, submit, word, act, onClose, children, danger = true }) {
  const [typed, setTyped] = useState("");
  const id = useId();
  const asked = word && (word === visible(word) && word.length <= 64 ? word : "delete");
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <${Form} act=${act} submit=${submit} danger=${danger} disabled=${asked && typed !== asked} onCancel=${onClose}>
        ${children}
        ${asked && html`
          <div class="field">
            <label for=${id}>Type <code>${asked}</code> to confirm</label>
            <input id=${id} autofocus value=${typed} autocomplete="off" autocapitalize="off" spellcheck=${false}
              onInput=${(event) => setTyped(event.target.value)} />
          </div>
        `}
      <//>
    <//>
  `;
}

const early = [];
let say = (one) => early.push(one);

/** Shows a message for a while; `tone` is "good" or "warn". */
export const toast = (text, tone = "good") => say({ text, tone, key: Math.random() });

export function Toasts() {
  const [shown, setShown] = useState([]);
  const remove = (key) => setShown((all) => all.filter((one) => one.key !== key));
  useEffect(() => {
    say = (one) => {
      setShown((all) => [...all.slice(-3), one]);
      // What warns stays until it is closed.
      if (one.tone === "good") setTimeout(() => remove(one.key), 5000);
    };
    early.splice(0).forEach(say);
  }, []);
  return html`
    <div class="toasts" role="status" aria-live="polite">
      ${shown.map(({ text, tone, key }) => html`
        <div key=${key} class=${`toast ${tone}`}>
          <${Icon} name=${tone === "good" ? "done" : "warn"} /><span>${visible(text)}</span>
          <button type="button" class="button quiet icon" aria-label="Close the message" onClick=${() => remove(key)}><${Icon} name="close" /></button>
        </div>
      `)}
    </div>
  `;
}
