// Times and numbers for people.

import { html } from "./ui.js";

const SPANS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { style: "narrow" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const today = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });
const short = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const monthDay = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const numbers = new Intl.NumberFormat("en");

/** "3d ago", "in 2h". */
export function ago(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const [unit, span] = SPANS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return unit === "second" ? (seconds > 0 ? "in a moment" : "just now") : relative.format(Math.trunc(seconds / span), unit);
}

export const date = (time) => day.format(new Date(time));
/** A day of the last months. */
export const recentDay = (time) => monthDay.format(new Date(time));
/** A time as short as it is clear: of today without the date, of this year without the year. */
export function clock(time) {
  const at = new Date(time);
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return today.format(at);
  return (at.getFullYear() === now.getFullYear() ? short : day).format(at);
}

export const moment = (time) => exact.format(new Date(time));
export const number = (value) => numbers.format(value);

/** "1 secret", "12 secrets". */
export const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

export const bytes = (value) => (value < 1_048_576 ? `${number(Math.ceil(value / 1024))} KiB` : `${number(Math.round(value / 104_857.6) / 10)} MiB`);

/** A time in words, with the exact one as a hint. */
export const Ago = ({ at }) => html`<time datetime=${at} title=${moment(at)}>${ago(at)}</time>`;

/** A key, a token's subject or a local account, as the audit trail names it. */
export const actor = (text) => text.replace(/^key:/, "key ").replace(/^local:/, "local user ").replace(/^jwt:/, "");
