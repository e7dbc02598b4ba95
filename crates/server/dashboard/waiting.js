// Calls that wait for a person, and how many: beside the name of the page Approvals, on every page.

import { get } from "./api.js";
import { useRepeated } from "./data.js";
import { html, useEffect, useState } from "./ui.js";

/** How often they are counted, in milliseconds. By default a call waits for 50 seconds. */
const EVERY = 10_000;
/** The longest page of the list. */
const PAGE = 100;

let told = () => {};

const isWaiting = ({ state }) => state === "pending";

/** One page of the list, whose newest calls are first. */
const portion = (offset, signal) => get("v1/approvals", { limit: PAGE, offset }, signal);

/** The calls that wait, and what is allowed: `{ waiting, standing }`, newest first. */
export async function approvals(signal) {
  // By ID: one that comes meanwhile moves the others.
  const found = new Map();
  let total = 1;
  for (let offset = 0; offset < total; offset += PAGE) {
    const page = await portion(offset, signal);
    for (const one of page.data) found.set(one.approval_id, one);
    total = page.total;
  }
  const all = [...found.values()];
  const waiting = all.filter(isWaiting);
  told(waiting.length);
  return { waiting, standing: all.filter(({ state }) => state === "allowed") };
}

export function Waiting({ visit }) {
  const [count, setCount] = useState(0);
  // Without an answer the last number stays; the page says what is wrong.
  const ask = () => portion(0).then(({ data }) => setCount(data.filter(isWaiting).length), () => {});
  useEffect(() => {
    told = setCount;
    ask();
  }, [visit]);
  useRepeated(ask, EVERY);
  return count > 0 && html`<span class="waits">${count}<span class="unheard"> waiting</span></span>`;
}
