// Storing values.

import { segment, send } from "./api.js";

/** The longest value that the operation which creates takes. */
const LONGEST = 1024;

export const url = (id, ...rest) => ["v1/secrets", segment(id), ...rest].join("/");

/** Stores a new secret (`{ secret_name, tool_name, tool_arg, is_default_for_tool }`). */
export async function create(secret, value) {
  if ([...value].length <= LONGEST) {
    return send("POST", "v1/secrets/", { json: { ...secret, secret_value: value } });
  }
  // A random value first, in a secret that is not a default: until the real one is there, only a reference applies it.
  const random = crypto.getRandomValues(new Uint8Array(32)).join("");
  const made = await send("POST", "v1/secrets/", { json: { ...secret, is_default_for_tool: false, secret_value: random } });
  const id = made.body.secret_id;
  try {
    const stored = await replace(id, value);
    await send("DELETE", url(id, "versions", 1));
    return secret.is_default_for_tool ? await change(id, { is_default_for_tool: true }) : stored;
  } catch (refusal) {
    await send("DELETE", url(id)).catch(() => {
      throw new Error(`${refusal.message} The secret was stored but is incomplete, and could not be removed. Delete it in the list, then try again.`);
    });
    throw refusal;
  }
}

export const replace = (id, value, etag) => send("PUT", url(id, "value"), { json: { secret_value: value }, headers: ifMatch(etag) });

/** Changes fields; null clears one. */
export const change = (id, fields, etag) =>
  send("PATCH", url(id), { json: fields, type: "application/merge-patch+json", headers: ifMatch(etag) });

const ifMatch = (etag) => (etag ? { "if-match": etag } : {});
