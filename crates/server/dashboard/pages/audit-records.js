// How records of the audit trail look in a table.

import { actor, clock, moment } from "../format.js";
import { Badge } from "../parts.js";
import { href } from "../router.js";
import { Text } from "../text.js";
import { html } from "../ui.js";

const second = (content) => content && html`<span class="second mono">${content}</span>`;

/** The columns; the secret's name is left out on the page of the secret itself. `names` are those of keys (`keyNames`). */
export const recordColumns = ({ withSecret = true, names = new Map() } = {}) => [
  { id: "at", head: "Time", className: "narrow at", cell: ({ at, sequence }) => html`<time datetime=${at} title=${moment(at)}>${clock(at)}</time>${second(`#${sequence}`)}` },
  {
    id: "action",
    head: "Action",
    cell: ({ action, decision, reason, count, secret_name: name, tool }) => html`
      <span class="mono">${action}</span> ${decision === "denied" && html`<${Badge} tone="bad">Denied<//>`} ${count > 1 && html`<${Badge}>× ${count}<//>`}
      ${reason && html`<span class="second"><${Text} of=${reason} /></span>`}
      ${!reason && (name || tool) && html`<span class="second phone"><${Text} of=${[withSecret && name, tool].filter(Boolean).join(", ")} /></span>`}`,
  },
  withSecret && {
    id: "secret",
    head: "Concerns",
    className: "wide",
    cell: ({ action, secret_id: id, secret_name: name, version, subject }) => (action.startsWith("approval.") && subject
      ? html`<a href=${href("approvals", subject)}>The call</a>${second(name && html`<${Text} of=${name} />`)}`
      : name
      ? html`${id ? html`<a href=${href("secrets", id)}><${Text} of=${name} /></a>` : html`<${Text} of=${name} />`}${version && second(`version ${version}`)}`
      : subject && html`<${Text} of=${names.get(`key:${subject}`) ?? actor(subject)} />${names.has(`key:${subject}`) && second(html`<${Text} of=${subject} />`)}`),
  },
  {
    id: "tool",
    head: "Tool",
    className: "wide",
    cell: ({ tool, argument, arguments: args }) => tool && html`<span class="mono"><${Text} of=${tool} /></span>${second((argument ?? args?.join(", ")) && html`<${Text} of=${argument ?? args.join(", ")} />`)}`,
  },
  {
    id: "actor",
    head: "By",
    className: "wider",
    cell: ({ actor: by, source }) => {
      const more = source ?? (names.has(by) && actor(by));
      return html`<${Text} of=${names.get(by) ?? actor(by)} />${second(more && html`<${Text} of=${more} />`)}`;
    },
  },
].filter(Boolean);
