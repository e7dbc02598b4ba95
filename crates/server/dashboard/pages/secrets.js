// The list of secrets.

import { policies, secrets, servers, toolsOf, useData, uses } from "../data.js";
import { Combobox, Input, Select } from "../fields.js";
import { Ago, count, number } from "../format.js";
import { Icon } from "../icons.js";
import { matches } from "../patterns.js";
import { Badge, Empty, Loaded, Page, Snippets, Unloaded } from "../parts.js";
import { go, href } from "../router.js";
import { Session } from "../session.js";
import { storing } from "../snippets.js";
import { sorted, Table } from "../table.js";
import { Text } from "../text.js";
import { html, useContext, useMemo, useState } from "../ui.js";

const FILTERS = [
  ["", "All"],
  ["default", "Defaults"],
  ["attention", "Due or expired"],
];

const KEPT = {
  "": () => true,
  default: ({ secret }) => secret.is_default_for_tool,
  attention: ({ policy }) => policy?.is_due || policy?.is_expired,
  unused: ({ use, noUse }) => noUse && !use,
};

const SORTS = {
  name: ({ secret }) => secret.secret_name.toLowerCase(),
  tool: ({ secret }) => secret.tool_name ?? undefined,
  used: ({ use }) => use?.last_used_at,
  updated: ({ secret }) => secret.updated_at,
};

/** What is to be known of a secret at a glance. */
export const Status = ({ policy, use, noUse }) => html`
  <span class="badges">
    ${policy?.is_expired && html`<${Badge} tone="bad" title=${policy.expires_at}>Expired<//>`}
    ${policy?.is_due && html`<${Badge} tone="warn" title=${policy.rotation_due_at}>Due<//>`}
    ${policy?.canary && html`<${Badge} tone="warn" title="Never applied: an attempt to use it sets off an alarm">Canary<//>`}
    ${policy?.approval && html`<${Badge} title="A person allows its calls">Approval<//>`}
    ${policy?.protected && html`<${Badge} title="Only its value can be replaced">Protected<//>`}
    ${noUse && !use && html`<${Badge} tone="muted" title=${noUse.text}>${noUse.short}<//>`}
  </span>
`;

const LastUse = ({ use, noUse }) =>
  use ? html`<${Ago} at=${use.last_used_at} /> by <${Text} of=${use.last_by} />${use.last_tool && html`<span class="second mono"><${Text} of=${use.last_tool} /></span>`}` : noUse && html`<span class="hint">–</span>`;

const COLUMNS = [
  {
    id: "name",
    head: "Name",
    sort: true,
    cell: ({ secret }) => html`
      <a href=${href("secrets", secret.secret_id)}><${Text} of=${secret.secret_name} /></a>
      <span class="second mono">${secret.display}</span>`,
  },
  {
    id: "tool",
    head: "Bound to",
    sort: true,
    cell: ({ secret }) => html`
      ${secret.tool_name ? html`<${Text} of=${secret.tool_name} mono />` : html`<span class="hint">by reference</span>`}
      ${secret.tool_arg && html`<span class="second mono"><${Text} of=${secret.tool_arg} /></span>`}`,
  },
  { id: "default", head: "Default", className: "slim wide", cell: ({ secret }) => secret.is_default_for_tool && html`<${Badge} tone="accent">Default<//>` },
  { id: "version", head: "Version", className: "slim wider", cell: ({ version }) => version },
  { id: "used", head: "Last used", sort: true, className: "medium wide", cell: LastUse },
  { id: "updated", head: "Changed", sort: true, className: "narrow wider", cell: ({ secret }) => html`<${Ago} at=${secret.updated_at} />` },
  { id: "status", head: "Status", className: "narrow", cell: Status },
];

function List({ list, used, ruled, tools }) {
  const [wanted, setWanted] = useState("");
  const [tool, setTool] = useState("");
  const [filter, setFilter] = useState("");
  const [sort, setSort] = useState(["updated", true]);
  const rows = useMemo(() => {
    const all = list.map((secret) => ({ secret, use: used?.of.get(secret.secret_id), version: used?.versions.get(secret.secret_id), noUse: used?.noUse, policy: ruled?.get(secret.secret_id) }));
    const text = wanted.trim().toLowerCase();
    const kept = all.filter((row) => {
      const { secret_name: name, tool_name: pattern } = row.secret;
      const isFound = !text || name.toLowerCase().includes(text) || pattern?.toLowerCase().includes(text);
      return isFound && (!tool || (pattern && (pattern === tool || matches(pattern, tool)))) && KEPT[filter](row);
    });
    return sorted(kept, SORTS[sort[0]], sort[1]);
  }, [list, used, ruled, wanted, tool, filter, sort]);
  const filters = used?.noUse ? [...FILTERS, ["unused", used.noUse.text]] : FILTERS;
  const options = tools.map(({ name, title }) => ({ value: name, note: title }));
  return html`
    <div class="filters">
      <${Input} label="Search" type="search" placeholder="Name or pattern" value=${wanted} onInput=${setWanted} />
      <${Combobox} label="Reaches the tool" placeholder="Any tool" value=${tool} onInput=${setTool} options=${options} />
      <${Select} label="Show" value=${filter} onInput=${setFilter} options=${filters} />
      <p class="total" role="status">${rows.length === list.length ? count(rows.length, "secret") : `${number(rows.length)} of ${count(list.length, "secret")}`}</p>
    </div>
    ${rows.length > 0
      ? html`<${Table} label="Secrets" columns=${COLUMNS} rows=${rows} keyOf=${({ secret }) => secret.secret_id}
          sort=${sort} onSort=${setSort} onOpen=${({ secret }) => go("secrets", secret.secret_id)} />`
      : html`<${Empty} icon="search" title="No secret fits"><p>Change the search or the filter.</p><//>`}
  `;
}

const First = () => html`
  <${Empty} icon="secrets" title="Store your first secret"
    action=${html`<a class="button primary" href=${href("secrets", "new")}><${Icon} name="add" />New secret</a>`}>
    <p>A secret is a credential that a tool needs, such as an API token. Toolvault gives it to the tool at the call. Your agent does not see it.</p>
    <${Snippets} label="Ways to store a secret" of=${storing} />
  <//>
`;

export function Secrets() {
  const session = useContext(Session);
  const stored = useData(secrets);
  const used = useData((signal) => uses(session, signal));
  const ruled = useData(policies);
  const behind = useData((signal) => servers(session, signal));
  const isPartial = stored.data && stored.data.list.length < stored.data.total;
  return html`
    <${Page} title="Secrets" lead="Credentials for the tools of your agents. Values are never shown."
      actions=${html`<a class="button primary" href=${href("secrets", "new")}><${Icon} name="add" />New secret</a>`}>
      <${Loaded} state=${stored}>
        ${({ list, total }) => (total === 0
          ? html`<${First} />`
          : html`
            ${isPartial && html`<p class="waiting" role="status">Loading ${number(total)} secrets …</p>`}
            <${Unloaded} of=${[["The uses", used], ["The policies", ruled], ["The gateway's tools", behind]]} />
            <${List} list=${list} used=${used.data} ruled=${ruled.data} tools=${toolsOf(behind.data ?? [])} />`)}
      <//>
    <//>
  `;
}
