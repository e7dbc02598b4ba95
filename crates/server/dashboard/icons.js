// The icons: lines on a grid of 16.

import { html } from "./ui.js";

const PATHS = {
  secrets: "M8 9.5v2M4 7V5a4 4 0 0 1 8 0v2M3 7h10v7H3z",
  keys: "M10 6a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM9 8.2l4.5 4.5M11.5 11l1.5-1.5",
  approvals: "M8 1.8l5 1.9v3.8c0 3.2-2 5.4-5 6.7-3-1.3-5-3.5-5-6.7V3.7zM5.6 8l1.8 1.8 3.2-3.4",
  try: "M4.5 3v10L13 8z",
  gateway: "M2 8h3M11 8h3M5 4h6v8H5zM8 4V1.5M8 14.5V12",
  audit: "M3 2h10v12H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3",
  usage: "M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6",
  admin: "M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3 14c0-2.8 2.2-4.5 5-4.5s5 1.7 5 4.5",
  search: "M11.5 7a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0ZM10.3 10.3 14 14",
  add: "M8 3v10M3 8h10",
  close: "m4 4 8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  done: "m3 8.5 3.5 3.5L13 4.5",
  warn: "M8 2 1.5 13.5h13zM8 6.5v3M8 11.6v.1",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  leave: "M9.5 2.5h4v11h-4M2.5 8H10M7.5 5l3 3-3 3",
  back: "M9.5 3.5 5 8l4.5 4.5",
  down: "m4 6 4 4 4-4",
  up: "m4 10 4-4 4 4",
  info: "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM8 7.3V11M8 5v.1",
  refresh: "M13 3v3.5H9.5M13 6.5A5.5 5.5 0 1 0 13.5 9",
  download: "M8 2.5V10M5 7l3 3 3-3M3 13.5h10",
};

export const Icon = ({ name }) =>
  html`<svg class="svg" viewBox="0 0 16 16" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
