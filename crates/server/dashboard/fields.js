// Fields of forms.

import { Icon } from "./icons.js";
import { visible } from "./text.js";
import { html, useEffect, useId, useRef, useState } from "./ui.js";

const QUIET = { autocomplete: "off", autocapitalize: "off", autocorrect: false, spellcheck: false };

/** A label, a hint and a problem around a field. `children` gets the attributes that join it with them. */
export function Field({ label, hint, problem, beside, children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined;
  return html`
    <div class="field">
      ${beside ? html`<div class="labels"><label for=${id}>${label}</label>${beside}</div>` : html`<label for=${id}>${label}</label>`}
      ${children({ id, "aria-describedby": described, "aria-invalid": problem ? "true" : undefined })}
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      ${problem && html`<p class="problem" id=${`${id}-problem`}>${problem}</p>`}
    </div>
  `;
}

/** A field for one line. */
export const Input = ({ label, hint, problem, onInput, mono, ...rest }) => html`
  <${Field} label=${label} hint=${hint} problem=${problem}>
    ${(joined) => html`<input class=${mono ? "mono" : ""} ...${QUIET} ...${rest} ...${joined}
      onInput=${(event) => onInput(event.target.value)} />`}
  <//>
`;

export const Select = ({ label, hint, value, onInput, options }) => html`
  <${Field} label=${label} hint=${hint}>
    ${(joined) => html`
      <select ...${joined} value=${value} onChange=${(event) => onInput(event.target.value)}>
        ${options.map(([name, text]) => html`<option value=${name} selected=${name === value}>${text}</option>`)}
      </select>`}
  <//>
`;

/** A box with its text and what it means. */
export function Check({ label, hint, checked, onInput }) {
  const id = useId();
  return html`
    <div class="check">
      <input type="checkbox" id=${id} checked=${checked} aria-describedby=${hint && `${id}-hint`} onChange=${(event) => onInput(event.target.checked)} />
      <div><label class="label" for=${id}>${label}</label>${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}</div>
    </div>
  `;
}

/**
 * A field for a value. What is typed is only in the element, which is emptied when it goes away: `field.current.read()`
 * reads it, and `field.current.clear()` empties it.
 */
export function Value({ label, hint, field, ...rest }) {
  const ref = useRef();
  const [isMasked, setMasked] = useState(true);
  const [problem, setProblem] = useState("");
  field.current = {
    /** The value, or undefined if it cannot be one. */
    read() {
      // A line break after a single line comes from copying.
      const value = ref.current.value.replace(/^([^\n]*)\n+$/, "$1");
      const length = new TextEncoder().encode(value).length;
      if (length >= 4 && length <= 65_536) return value;
      setProblem(length < 4 ? "A value has at least 4 characters." : "A value has at most 64 KiB.");
      ref.current.focus();
      return undefined;
    },
    clear: () => (ref.current.value = ""),
  };
  useEffect(() => {
    const element = ref.current;
    const clear = () => (element.value = "");
    addEventListener("pagehide", clear);
    return () => {
      clear();
      removeEventListener("pagehide", clear);
    };
  }, []);
  const reveal = html`<button type="button" class="button quiet small" onClick=${() => setMasked(!isMasked)}>${isMasked ? "Show" : "Hide"}</button>`;
  return html`
    <${Field} label=${label} hint=${hint} problem=${problem} beside=${reveal}>
      ${(joined) => html`<textarea ref=${ref} class=${isMasked ? "mono masked" : "mono"} rows="3" ...${rest}
        ...${QUIET} ...${joined} onInput=${() => setProblem("")} />`}
    <//>
  `;
}

/** A field with proposals: `options` is `[{ value, note }]`. */
export function Combobox({ label, hint, problem, value, onInput, options, ...rest }) {
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const list = useRef();
  const listId = useId();
  const wanted = value.toLowerCase();
  const found = options.filter((option) => option.value.toLowerCase().includes(wanted) && option.value !== value).slice(0, 50);
  const isShown = isOpen && found.length > 0;
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const choose = (option) => {
    onInput(option.value);
    setOpen(false);
    setActive(-1);
  };
  const onKeyDown = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % Math.max(found.length, 1));
    } else if (event.key === "Enter" && isShown && active >= 0) {
      event.preventDefault();
      choose(found[active]);
    } else if (event.key === "Escape" && isShown) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  const typed = (event) => {
    onInput(event.target.value);
    setOpen(true);
    setActive(-1);
  };
  return html`
    <${Field} label=${label} hint=${hint} problem=${problem}>
      ${(joined) => html`
        <div class="combobox">
          <input class="mono" role="combobox" aria-autocomplete="list" aria-expanded=${isShown} aria-controls=${listId}
            aria-activedescendant=${isShown && active >= 0 ? `${listId}-${active}` : undefined}
            value=${value} ...${QUIET} ...${rest} ...${joined}
            onInput=${typed} onKeyDown=${onKeyDown} onClick=${() => setOpen(true)} onBlur=${() => setOpen(false)} />
          <${Icon} name="down" />
          <ul id=${listId} role="listbox" aria-label="Proposals" ref=${list} hidden=${!isShown}>
            ${isShown && found.map((option, index) => html`
              <li key=${option.value} id=${`${listId}-${index}`} role="option" aria-selected=${index === active}
                onMouseDown=${(event) => { event.preventDefault(); choose(option); }}>
                <span class="mono">${visible(option.value)}</span>${option.note && html`<span class="hint">${visible(option.note)}</span>`}
              </li>
            `)}
          </ul>
        </div>`}
    <//>
  `;
}
