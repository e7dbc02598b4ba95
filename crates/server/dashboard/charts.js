// Small charts. Each has its numbers as a text, for those who cannot see it.

import { count, number } from "./format.js";
import { Text } from "./text.js";
import { html } from "./ui.js";

const WIDTH = 600;
const HEIGHT = 72;

const dayOf = (index, of) => new Date(Date.now() - (of - 1 - index) * 86_400_000).toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });

/** One bar for each day, the last of which is today. */
export function Bars({ label, values }) {
  const most = Math.max(...values, 1);
  const step = WIDTH / values.length;
  const total = values.reduce((sum, value) => sum + value, 0);
  return html`
    <figure class="bars">
      <figcaption><span>${label}</span><strong>${count(total, "use")}</strong></figcaption>
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${label}: ${values.join(", ")}`}>
        ${values.map((value, index) => {
          const height = value === 0 ? 1 : Math.max(3, (value / most) * HEIGHT);
          return html`
            <rect class=${value === 0 ? "none" : ""} x=${index * step + 1} y=${HEIGHT - height} width=${step - 2} height=${height}>
              <title>${dayOf(index, values.length)}: ${number(value)}</title>
            </rect>`;
        })}
      </svg>
      <div class="axis" aria-hidden="true"><span>${dayOf(0, values.length)}</span><span>most on a day: ${number(most)}</span><span>today</span></div>
    </figure>
  `;
}

/** Names with their numbers, the largest first: `[{ name, value, href }]`. */
export function Ranked({ rows, empty }) {
  if (rows.length === 0) return html`<p class="hint">${empty}</p>`;
  const most = rows[0].value;
  return html`
    <ol class="ranked">
      ${rows.map(({ name, value, href: to }) => html`
        <li key=${to ?? name}>
          ${to ? html`<a href=${to}><${Text} of=${name} /></a>` : html`<${Text} of=${name} />`}
          <strong>${number(value)}</strong>
          <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="4" class="none" /><rect width=${(value / most) * 100} height="4" /></svg>
        </li>
      `)}
    </ol>
  `;
}

/** How much of a limit is used. */
export function Meter({ label, value, limit, show = number }) {
  const part = limit > 0 ? Math.min(1, value / limit) : 1;
  const tone = part >= 0.9 ? "bad" : part >= 0.75 ? "warn" : "";
  return html`
    <div class="meter">
      <div><span>${label}</span><span><strong>${show(value)}</strong> of ${show(limit)}</span></div>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=${`${label}: ${show(value)} of ${show(limit)}`}>
        <rect width="100" height="4" class="none" /><rect width=${part * 100} height="4" class=${tone} />
      </svg>
    </div>
  `;
}
