/** Toolvault: your agent's tools get the keys. Your agent doesn't. */

export type {
  AcceptTool,
  Action,
  Applied,
  AuditPage,
  Candidate,
  CreateKey,
  ExplainedArgument,
  Explanation,
  Gateway,
  GatewayExplanation,
  GatewayServer,
  GatewayTool,
  Key,
  Me,
  NearSecret,
  Policy,
  PolicyInfo,
  Record,
  Scope,
  SecretList,
  SecretUse,
  SecretUses,
  SetPolicy,
  ToolChange,
  ToolPin,
  UpdateKey,
  UpdateUser,
  Usage,
  User,
  Version,
} from "./api.js";
export { Toolvault } from "./client.js";
export { Confidential } from "./confidential.js";
export * from "./errors.js";
export type { CallOptions } from "./http/operation.js";
export type { ClientOptions } from "./http/settings.js";
export { Injected, ValueRefused } from "./injection/injected.js";
export type { Acting, SecretOptions } from "./injection/options.js";
export { Completed, type IssuedKey, type ResolveOptions, type SecretInfo, type ToolCall } from "./models.js";
export type { AuditFilter, AuditPageOptions } from "./resources/audit.js";
export type { ChangeOptions, NewSecret, PageOptions, SecretChange, SecretFilter } from "./resources/secrets.js";
