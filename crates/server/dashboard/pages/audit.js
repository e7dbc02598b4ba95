// The audit trail.

import { get } from "../api.js";
import { keyNames, useData, useDelayed } from "../data.js";
import { toast } from "../dialog.js";
import { Check, Input, Select } from "../fields.js";
import { number } from "../format.js";
import { Icon } from "../icons.js";
import { Card, Empty, Loaded, Page, Snippet } from "../parts.js";
import { replace } from "../router.js";
import { Session } from "../session.js";
import { Table } from "../table.js";
import { html, useContext, useEffect, useMemo, useRef, useState } from "../ui.js";
import { recordColumns } from "./audit-records.js";
import { save, toCsv, toJson } from "./export.js";

const ACTIONS = [
  "secret.used", "tool.called", "use.refused", "value.repeated", "canary.used", "tool.pinned", "tool.changed",
  "tool.accepted", "approval.requested", "approval.decided", "approval.used", "approval.deleted", "secret.created",
  "secret.renamed", "secret.rebound", "secret.value_replaced", "secret.version_restored", "secret.version_deleted",
  "secret.policy_changed", "secret.deleted", "default.shadowed", "connection.created", "connection.replaced",
  "connection.renewed", "connection.used", "connection.ended", "connection.deleted", "key.created", "key.changed",
  "key.rotated", "key.revoked", "user.created", "user.changed", "user.deleted", "session.started", "session.ended",
  "sign_in.failed", "access.denied", "tampering.detected", "store.created", "store.backed_up", "store.restored",
  "audit.pruned", "root_key.rotated", "user_keys.rotated",
];

const SPANS = [
  ["", "All time"],
  ["1", "Last hour"],
  ["24", "Last day"],
  ["168", "Last 7 days"],
  ["720", "Last 30 days"],
];

const FOLLOWED_EVERY = 2000;

const asQuery = ({ action, tool, hours, secretId }) => ({
  action,
  tool,
  secret_id: secretId,
  since: hours && new Date(Date.now() - hours * 3_600_000).toISOString(),
});

/** Records of the filter: the newest page, older ones on demand, and new ones while following. */
function useTrail(filter) {
  const first = useData((signal) => get("v1/audit", { ...asQuery(filter), limit: 200 }, signal), [JSON.stringify(filter)]);
  const [extra, setExtra] = useState({ of: null });
  const latest = useRef();
  latest.current = first.data;
  const ofPage = (last, page) => (last.of === page ? last : { of: page, newer: [], older: [], cursor: page?.next_cursor });
  const own = ofPage(extra, first.data);
  /** Changes what was read beside the first page, unless that is another one by now. */
  const add = (change) => first.data === latest.current && setExtra((last) => ({ ...ofPage(last, first.data), ...change(ofPage(last, first.data)) }));
  const records = [...own.newer, ...(first.data?.data ?? []), ...own.older];
  const more = async () => {
    const page = await get("v1/audit", { ...asQuery(filter), limit: 1000, cursor: own.cursor });
    add(({ older }) => ({ older: [...older, ...page.data], cursor: page.next_cursor }));
  };
  const follow = async () => {
    const page = await get("v1/audit", { ...asQuery(filter), limit: 200 });
    const fresh = page.data.filter(({ sequence }) => sequence > (records[0]?.sequence ?? 0));
    // More than a page is new: what lies between is not known, so begin again.
    if (fresh.length === 200) first.reload();
    else if (fresh.length > 0) add(({ newer }) => ({ newer: [...fresh.filter(({ sequence }) => sequence > (newer[0]?.sequence ?? 0)), ...newer] }));
  };
  // While another filter loads, these would mix the two.
  return { first, records, hasMore: Boolean(own.cursor) && !first.isLoading, more, follow: async () => first.isLoading || follow() };
}

function useFollowing(isOn, follow) {
  const latest = useRef(follow);
  latest.current = follow;
  useEffect(() => {
    if (!isOn) return undefined;
    let timer = 0;
    let isOver = false;
    const step = async () => {
      if (!document.hidden) await latest.current().catch(() => {});
      if (!isOver) timer = setTimeout(step, FOLLOWED_EVERY);
    };
    step();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isOn]);
}

function Export({ filter }) {
  const [state, setState] = useState(null);
  const aborter = useRef();
  const run = async (kind, format) => {
    aborter.current = new AbortController();
    const records = [];
    let cursor;
    try {
      do {
        setState(records.length);
        const page = await get("v1/audit", { ...asQuery(filter), limit: 1000, cursor }, aborter.current.signal);
        records.push(...page.data);
        cursor = page.next_cursor;
      } while (cursor);
      save(`audit.${kind}`, format(records));
    } catch (error) {
      if (!aborter.current.signal.aborted) toast(error.message, "warn");
    }
    setState(null);
  };
  useEffect(() => () => aborter.current?.abort(), []);
  if (state !== null) return html`<span class="hint" role="status">Reading ${number(state)} …</span><button type="button" class="button" onClick=${() => aborter.current.abort()}>Stop</button>`;
  return html`
    <button type="button" class="button" onClick=${() => run("csv", toCsv)}><${Icon} name="download" />CSV</button>
    <button type="button" class="button" onClick=${() => run("json", toJson)}><${Icon} name="download" />JSON</button>
  `;
}

export function Audit({ query }) {
  const [action, setAction] = useState(query.get("action") ?? "");
  const [tool, setTool] = useState(query.get("tool") ?? "");
  const [hours, setHours] = useState("");
  const [secretId, setSecretId] = useState(query.get("secret_id") ?? "");
  const [settled, setSettled] = useState({ tool, secretId });
  const [isFollowing, setFollowing] = useState(false);
  useDelayed(() => {
    setSettled({ tool: tool.trim(), secretId: secretId.trim() });
    const given = Object.entries({ action, tool: tool.trim(), secret_id: secretId.trim() }).filter(([, value]) => value);
    replace("audit", ...(given.length > 0 ? [Object.fromEntries(given)] : []));
  }, 250, [action, tool, secretId]);
  const filter = { action, hours, ...settled };
  const session = useContext(Session);
  const named = useData((signal) => keyNames(session, signal));
  const columns = useMemo(() => recordColumns({ names: named.data }), [named.data]);
  const { first, records, hasMore, more, follow } = useTrail(filter);
  useFollowing(isFollowing, follow);
  const [isLoadingMore, setLoadingMore] = useState(false);
  const load = async () => {
    setLoadingMore(true);
    await more().catch((error) => toast(error.message, "warn"));
    setLoadingMore(false);
  };
  return html`
    <${Page} title="Audit" lead="Each change, use and refusal, in a signed chain. No record has a value." actions=${html`<${Export} filter=${filter} />`}>
      <div class="filters">
        <${Select} label="Action" value=${action} onInput=${setAction} options=${[["", "All actions"], ...ACTIONS.map((name) => [name, name])]} />
        <${Input} label="Tool" mono placeholder="Any tool" value=${tool} onInput=${setTool} />
        <${Input} label="Secret's ID" mono placeholder="Any secret" value=${secretId} onInput=${setSecretId} />
        <${Select} label="Time" value=${hours} onInput=${setHours} options=${SPANS} />
        <${Check} label="Follow" checked=${isFollowing} onInput=${setFollowing} />
      </div>
      <${Loaded} state=${first}>
        ${() => (records.length > 0
          ? html`
            <${Table} label="Audit records" columns=${columns} rows=${records} keyOf=${({ sequence }) => sequence} />
            ${hasMore && html`<p class="more"><button type="button" class="button" disabled=${isLoadingMore} onClick=${load}>Load older records</button></p>`}`
          : html`<${Empty} icon="audit" title="No record fits"><p>Uses and changes appear here as they happen.</p><//>`)}
      <//>
      <${Card} title="Verify it">
        <p>On the server's machine, this finds any edit, removal, insertion and reordering of records, with the public key that was printed at set-up.
          Keep a checkpoint elsewhere to find truncation too.</p>
        <${Snippet} label="Verify the trail, and print a checkpoint" text=${"toolvault audit verify --public-key KEY\ntoolvault audit checkpoint"} />
      <//>
    <//>
  `;
}
