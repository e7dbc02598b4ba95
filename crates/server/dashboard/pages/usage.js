// How much is stored, what is used, and what is not.

import { get } from "../api.js";
import { Bars, Meter, Ranked } from "../charts.js";
import { isLimited, keyNames, may, secrets, useData, uses } from "../data.js";
import { actor, ago, bytes, count, number } from "../format.js";
import { Card, Empty, Loaded, Page } from "../parts.js";
import { href } from "../router.js";
import { Session } from "../session.js";
import { Text } from "../text.js";
import { html, useContext, useMemo } from "../ui.js";

const MOST = 8;
/** How many records are counted by tool and by key. */
const COUNTED = 5000;
/** A secret is stale if its value is older than this, in milliseconds. */
const STALE = 180 * 86_400_000;

function Quota() {
  const state = useData((signal) => get("v1/usage", {}, signal));
  return html`
    <${Card} title="Quota">
      <${Loaded} state=${state}>
        ${(usage) => html`
          <${Meter} label="Secrets" value=${usage.secrets} limit=${usage.secrets_limit} />
          <${Meter} label="Values" value=${usage.bytes} limit=${usage.bytes_limit} show=${bytes} />`}
      <//>
    <//>
  `;
}

/** The latest uses, from the audit trail. */
async function latest(session, signal) {
  const names = await keyNames(session, signal);
  const records = [];
  let cursor;
  do {
    const page = await get("v1/audit", { action: "secret.used", limit: 1000, cursor }, signal);
    records.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor && records.length < COUNTED);
  return { records, names, isAll: !cursor };
}

function tally(records, nameOf, hrefOf) {
  const totals = new Map();
  for (const record of records) {
    const name = nameOf(record);
    if (name) totals.set(name, (totals.get(name) ?? 0) + (record.count ?? 1));
  }
  const ranked = [...totals].map(([name, value]) => ({ name, value, href: hrefOf?.(name) }));
  return ranked.sort((one, other) => other.value - one.value).slice(0, MOST);
}

function ByToolAndKey() {
  const session = useContext(Session);
  const state = useData((signal) => latest(session, signal));
  return html`
    <${Loaded} state=${state}>
      ${({ records, names, isAll }) => html`
        <div class="split even">
          <${Card} title="By tool"><${Ranked} rows=${tally(records, ({ tool }) => tool, (tool) => href("audit", { tool }))} empty="No use is recorded." /><//>
          <${Card} title="By key"><${Ranked} rows=${tally(records, ({ actor: by }) => names.get(by) ?? actor(by))} empty="No use is recorded." /><//>
        </div>
        ${!isAll && html`<p class="hint">By tool and by key: the last ${number(records.length)} uses.</p>`}
      `}
    <//>
  `;
}

const asRows = (list, note) => list.slice(0, MOST).map((secret) => html`<li><a href=${href("secrets", secret.secret_id)}><${Text} of=${secret.secret_name} /></a> <span class="hint">${note(secret)}</span></li>`);

function Secrets({ list, used }) {
  const found = useMemo(() => {
    const byUse = list.map((secret) => ({ secret, use: used.of.get(secret.secret_id) }));
    const total = (use) => use?.uses.reduce((sum, value) => sum + value, 0) ?? 0;
    const days = Array.from({ length: 30 }, (_, day) => byUse.reduce((sum, { use }) => sum + (use?.uses[day] ?? 0), 0));
    const ranked = byUse.map(({ secret, use }) => ({ name: secret.secret_name, value: total(use), href: href("secrets", secret.secret_id) }));
    return {
      days,
      ranked: ranked.filter(({ value }) => value > 0).sort((one, other) => other.value - one.value).slice(0, MOST),
      unused: byUse.filter(({ use }) => !use).map(({ secret }) => secret),
      stale: list.filter(({ updated_at: at }) => Date.now() - Date.parse(at) > STALE),
    };
  }, [list, used]);
  return html`
    <${Card} title="Uses">
      <${Bars} label="Uses on each of the last 30 days" values=${found.days} />
      ${!used.isWhole && html`<p class="hint">Counted since ${used.since}.</p>`}
    <//>
    <div class="split even">
      <${Card} title="By secret"><${Ranked} rows=${found.ranked} empty="No use is recorded." /><//>
      <${Card} title=${used.noUse ? `${used.noUse.text} (${number(found.unused.length)})` : "Age"}>
        ${!used.noUse
          ? html`<p class="hint">Your key sees the uses by some tools only.</p>`
          : found.unused.length > 0
          ? html`<ul class="plain">${asRows(found.unused, (secret) => `changed ${ago(secret.updated_at)}`)}</ul>
            ${found.unused.length > MOST && html`<p class="hint">And ${count(found.unused.length - MOST, "other")}. The page Secrets shows all of them.</p>`}`
          : html`<p class="hint">Every secret was used.</p>`}
        ${found.stale.length > 0 && html`<h3>Not changed in 180 days</h3><ul class="plain">${asRows(found.stale, (secret) => ago(secret.updated_at))}</ul>`}
      <//>
    </div>
  `;
}

export function Usage() {
  const session = useContext(Session);
  const state = useData(async (signal) => {
    const [{ list }, used] = await Promise.all([secrets(signal), uses(session, signal)]);
    return { list, used };
  });
  return html`
    <${Page} title="Usage" lead="How much is stored, what uses it, and what does not need to be there.">
      <div class="stack">
        ${!isLimited(session) && html`<${Quota} />`}
        <${Loaded} state=${state}>
          ${({ list, used }) => (list.length > 0
            ? html`<${Secrets} list=${list} used=${used} />`
            : html`<${Empty} icon="usage" title="Nothing is stored yet" action=${html`<a class="button primary" href=${href("secrets", "new")}>New secret</a>`} />`)}
        <//>
        ${may(session, "audit", "admin") && html`<${ByToolAndKey} />`}
      </div>
    <//>
  `;
}
