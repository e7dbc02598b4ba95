// Every request to the server, and what its errors say.

const KEPT = "toolvault.session";

/** Called when the server no longer accepts the session. */
let onSignedOut = () => {};
export const whenSignedOut = (act) => (onSignedOut = act);

// The token is no credential by itself: the server wants it beside the cookie. Cookies are shared by all ports of a
// host, and this storage is not. All tabs have it.
export const token = {
  get: () => localStorage.getItem(KEPT),
  set: (value) => localStorage.setItem(KEPT, value),
  clear: () => localStorage.removeItem(KEPT),
  /** Whether a change of the storage was of the token. */
  is: (name) => name === KEPT || name === null,
};

/** A request that did not succeed. */
class Refusal extends Error {
  constructor(status, code, detail) {
    super(message(status, detail));
    this.status = status;
    this.code = code;
  }
}

const BY_STATUS = {
  0: "The server does not answer. Check that it runs, then try again.",
  412: "This was changed elsewhere in the meantime. Load the page again, then repeat your change.",
};

function message(status, detail) {
  if (BY_STATUS[status]) return BY_STATUS[status];
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail) && detail.length > 0) {
    return detail.map(({ loc, msg }) => `${loc.slice(1).join(".") || "The request"}: ${msg}.`).join(" ");
  }
  return `The server refused with status ${status}.`;
}

// A number that JavaScript would change, such as 9007199254740993, is kept as it was sent: a person allows a call by what
// is shown of it.
const exactly = (_, value, { source }) => (typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value);

/**
 * Sends a request. `path` is relative to the page, because a proxy may serve everything below a path prefix.
 * Returns `{ body, etag, warning }`; throws a `Refusal`.
 */
export async function send(method, path, { json, type = "application/json", headers, signal } = {}) {
  const options = { method, signal, cache: "no-store", credentials: "same-origin", redirect: "error" };
  options.headers = { ...headers };
  if (token.get()) options.headers["x-csrf-token"] = token.get();
  if (json !== undefined) {
    options.headers["content-type"] = type;
    options.body = JSON.stringify(json);
  }
  let response;
  let body = null;
  try {
    response = await fetch(new URL(path, document.baseURI), options);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    body = isJson && text ? JSON.parse(text, JSON.rawJSON && exactly) : text;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0);
  }
  if (response.ok) {
    return { body, etag: response.headers.get("etag"), warning: response.headers.get("toolvault-warning") };
  }
  if (response.status === 401) onSignedOut();
  throw new Refusal(response.status, response.headers.get("toolvault-error"), body?.detail);
}

/** Reads; `query` has the parameters, of which empty ones are left out. */
export async function get(path, query = {}, signal) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const suffix = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return (await send("GET", path + suffix, { signal })).body;
}

/** A segment of a path. */
export const segment = encodeURIComponent;

/** Explains tool calls: one result for each, or undefined where the caller may not ask. In portions, as the API takes them. */
export async function explain(calls, signal) {
  const results = [];
  for (let start = 0; start < calls.length; start += 100) {
    const json = { calls: calls.slice(start, start + 100) };
    const { body } = await send("POST", "v1/explain", { json, signal });
    results.push(...body.results.map(({ result }) => result));
  }
  return results;
}
