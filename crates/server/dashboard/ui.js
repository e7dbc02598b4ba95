// The library, under the names that the other modules use.

import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { Fragment, createContext, render } from "./vendor/preact.js";
export {
  useContext,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "./vendor/hooks.js";

/** Markup: every text in it is inserted as text. */
export const html = htm.bind(h);
