// The search over pages, actions and secrets (Ctrl+K).

import { get } from "./api.js";
import { isLimited, may, useDelayed } from "./data.js";
import { Icon } from "./icons.js";
import { href } from "./router.js";
import { Session } from "./session.js";
import { Text } from "./text.js";
import { html, useContext, useId, useLayoutEffect, useRef, useState } from "./ui.js";

export function Palette({ pages, onClose }) {
  const session = useContext(Session);
  const dialog = useRef();
  const listId = useId();
  const [wanted, setWanted] = useState("");
  const [secrets, setSecrets] = useState([]);
  const [active, setActive] = useState(0);
  const mayManage = may(session, "manage");
  useLayoutEffect(() => {
    const element = dialog.current;
    element.showModal();
    return () => element.close();
  }, []);
  useDelayed(async (signal) => {
    const isAsked = mayManage && wanted.trim();
    const { data } = isAsked ? await get("v1/secrets/", { q: wanted.trim(), limit: 8 }, signal).catch(() => ({ data: [] })) : { data: [] };
    if (!signal.aborted) setSecrets(data);
  }, 120, [wanted]);

  const actions = [
    mayManage && { icon: "add", label: "New secret", to: href("secrets", "new") },
    mayManage && !isLimited(session) && { icon: "add", label: "New key", to: href("keys", { new: "" }) },
    ...pages.map(({ id, title }) => ({ icon: id, label: title, to: href(id) })),
  ].filter((action) => action && action.label.toLowerCase().includes(wanted.trim().toLowerCase()));
  const found = secrets.map((secret) => ({
    icon: "secrets",
    label: secret.secret_name,
    note: secret.tool_name,
    to: href("secrets", secret.secret_id),
  }));
  const items = [...actions, ...found];
  const open = (item) => {
    onClose();
    location.hash = item.to;
  };
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length > 0) {
      event.preventDefault();
      setActive((active + step + items.length) % items.length);
    } else if (event.key === "Enter" && items[active]) {
      event.preventDefault();
      open(items[active]);
    }
  };
  const typed = (event) => {
    setWanted(event.target.value);
    setActive(0);
  };
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`
    <dialog class="palette" ref=${dialog} aria-label="Search" onCancel=${cancel} onClick=${(event) => event.target === dialog.current && onClose()}>
      <input role="combobox" aria-expanded="true" aria-controls=${listId} aria-label="Search pages, actions and secrets"
        aria-activedescendant=${items[active] && `${listId}-${active}`} autocomplete="off" spellcheck=${false}
        placeholder="Search pages, actions and secrets" value=${wanted} onInput=${typed} onKeyDown=${onKeyDown} />
      <ul id=${listId} role="listbox" aria-label="Found">
        ${items.map((item, index) => html`
          <li key=${item.to + item.label} id=${`${listId}-${index}`} role="option" aria-selected=${index === active} onClick=${() => open(item)}>
            <${Icon} name=${item.icon} /><${Text} of=${item.label} />${item.note && html`<span class="hint"><${Text} of=${item.note} mono /></span>`}
          </li>
        `)}
      </ul>
      ${items.length === 0 && html`<p class="waiting">Nothing has this name.</p>`}
    </dialog>
  `;
}
