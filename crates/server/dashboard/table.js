// A table that has only the rows in view in the document, so that it can have ten thousand.

import { Icon } from "./icons.js";
import { html, useEffect, useRef, useState } from "./ui.js";

/** The height of a row in pixels, as in app.css. */
const ROW = 44;
/** How many rows there are above and below the view. */
const SPARE = 12;

/** The rows that are in view, `[start, end)`. */
function useWindow(body, count) {
  const [range, setRange] = useState([0, 50]);
  useEffect(() => {
    // Preact ends effects a moment after it empties references: a frame may come in between.
    const element = body.current;
    let frame = 0;
    const measure = () => {
      frame = 0;
      const above = -element.getBoundingClientRect().top;
      const start = Math.max(0, Math.floor(above / ROW) - SPARE);
      const end = Math.ceil((above + innerHeight) / ROW) + SPARE;
      setRange((last) => (last[0] === start && last[1] === end ? last : [start, end]));
    };
    const later = () => (frame ||= requestAnimationFrame(measure));
    measure();
    // A dialog scrolls itself, and the event of an element does not bubble.
    addEventListener("scroll", later, { passive: true, capture: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", later, { capture: true });
      removeEventListener("resize", later);
    };
  }, [count]);
  return [Math.min(range[0], Math.max(0, count - 1)), Math.min(Math.max(range[1], 1), count)];
}

/** Moves the focus to the link of another row. */
function moveFocus(event, body) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = event.target.closest("tr");
  if (!step || !row || event.target.matches("input, select, textarea")) return;
  let next = row;
  do next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
  while (next && !next.querySelector("a, button"));
  if (!next || !body.contains(next)) return;
  event.preventDefault();
  next.querySelector("a, button").focus();
  next.scrollIntoView({ block: "nearest" });
}

/**
 * `columns`: `[{ id, head, cell(row), className, sort }]`, where `sort` makes the column sortable; the first one names
 * the row. `sort` is `[id, isDescending]`.
 */
export function Table({ label, columns, rows, keyOf, sort, onSort, onOpen }) {
  const body = useRef();
  const [start, end] = useWindow(body, rows.length);
  const head = ({ id, head: title, sort: isSortable, className }) => {
    if (!isSortable || !onSort) return html`<th scope="col" class=${className}>${title}</th>`;
    const isChosen = sort?.[0] === id;
    return html`
      <th scope="col" class=${className} aria-sort=${isChosen ? (sort[1] ? "descending" : "ascending") : undefined}>
        <button type="button" onClick=${() => onSort([id, isChosen && !sort[1]])}>
          ${title}${isChosen && html`<${Icon} name=${sort[1] ? "down" : "up"} />`}
        </button>
      </th>
    `;
  };
  const open = (event, row) => {
    // A click beside the row's own link does what the link does.
    if (onOpen && !event.target.closest("a, button, input") && !getSelection().toString()) onOpen(row);
  };
  return html`
    <div class="table">
      <table aria-label=${label} aria-rowcount=${rows.length + 1}>
        <thead><tr aria-rowindex="1">${columns.map(head)}</tr></thead>
        <tbody ref=${body} onKeyDown=${(event) => moveFocus(event, body.current)} class=${onOpen ? "opens" : ""}>
          ${start > 0 && html`<tr aria-hidden="true" key="above" style=${{ height: `${start * ROW}px` }}></tr>`}
          ${rows.slice(start, end).map((row, index) => html`
            <tr key=${keyOf(row)} aria-rowindex=${start + index + 2} onClick=${(event) => open(event, row)}>
              ${columns.map(({ id, cell, className }, column) =>
                column === 0
                  ? html`<th scope="row" key=${id} class=${className}>${cell(row)}</th>`
                  : html`<td key=${id} class=${className}>${cell(row)}</td>`)}
            </tr>
          `)}
          ${end < rows.length && html`<tr aria-hidden="true" key="below" style=${{ height: `${(rows.length - end) * ROW}px` }}></tr>`}
        </tbody>
      </table>
    </div>
  `;
}

/** Sorts copies: `by` gives what to compare, of one type; undefined goes to the end. */
export function sorted(rows, by, isDescending) {
  const compare = (one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return (a < b ? -1 : a > b ? 1 : 0) * (isDescending ? -1 : 1);
  };
  return [...rows].sort(compare);
}
