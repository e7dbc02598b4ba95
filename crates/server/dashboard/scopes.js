// What keys may do, and for how long.

/** The scopes, with what each means. */
export const SCOPES = [
  ["use", "Call tools through the gateway. A value never reaches the holder. For agents."],
  ["resolve", "Receive completed arguments, that is, read what a tool may receive. For runtimes that you trust."],
  ["manage", "Create and change secrets and keys. Never give it to an agent."],
  ["audit", "Read your audit trail."],
  ["admin", "Users, quotas, anyone's keys and the whole trail. Reads no value."],
];

/** A day in seconds. */
export const DAY = 86_400;
