// Generated from the server's OpenAPI document: node scripts/types.mjs

export interface AcceptTool {
  /** The SHA-256 of the change, which is refused if the tool changed again */
  readonly sha256: string;
  /** The name that its server has for it */
  readonly tool: string;
}

export type Action = "store.created" | "store.backed_up" | "store.restored" | "audit.pruned" | "root_key.rotated" | "user_keys.rotated" | "secret.created" | "secret.renamed" | "secret.rebound" | "secret.value_replaced" | "secret.version_restored" | "secret.version_deleted" | "secret.policy_changed" | "secret.deleted" | "default.shadowed" | "secret.used" | "tool.called" | "value.repeated" | "canary.used" | "approval.requested" | "approval.decided" | "approval.used" | "approval.deleted" | "tool.pinned" | "tool.changed" | "tool.accepted" | "connection.created" | "connection.replaced" | "connection.renewed" | "connection.used" | "connection.ended" | "connection.deleted" | "use.refused" | "tampering.detected" | "key.created" | "key.changed" | "key.rotated" | "key.revoked" | "user.created" | "user.changed" | "user.deleted" | "session.started" | "session.ended" | "sign_in.failed" | "access.denied";

/** A secret that was applied. */
export interface Applied {
  readonly arg: string;
  /** Whether the value is confidential; redact it in the tool's result */
  readonly redact: boolean;
  readonly secret_id: string;
  readonly secret_name: string;
  readonly source: AppliedSource;
  readonly version: number;
}

/** Why a secret was applied. */
export type AppliedSource = "default" | "binding";

/** A call that a person must allow, or what was allowed. */
export interface Approval {
  readonly approval_id: string;
  /** The arguments that the model gave, with `[secret:<name>]` in place of values of secrets */
  readonly arguments: { readonly [name: string]: unknown };
  readonly decided_at: string | null;
  /** Who decided, as in the audit trail */
  readonly decided_by: string | null;
  readonly decision: PersonsDecision | null;
  /** When the request counts as refused, or what was decided ends; null if it lasts */
  readonly expires_at: string | null;
  /** The key that made the call, if it was one */
  readonly key_id: string | null;
  /** Whether the tool must be allowed once, or each call */
  readonly need: Need;
  readonly requested_at: string;
  /** Who made the call, as in the audit trail */
  readonly requested_by: string;
  /** The name of the key, or the subject of the token, that made the call */
  readonly requester: string;
  /** The secret whose policy asks; null if the configuration of the gateway does */
  readonly secret_name: string | null;
  /** The server's name in the configuration */
  readonly server: string;
  readonly state: StateOfApproval;
  /** The tool's title */
  readonly title: string | null;
  /** The tool, as its server names it */
  readonly tool: string;
}

export interface ApprovalList {
  readonly data: ReadonlyArray<Approval>;
  readonly limit: number;
  readonly offset: number;
  /** How many there are in all */
  readonly total: number;
}

/** A key for a command line. */
export interface ApproveKey {
  /** SHA-256 of the command line's verifier */
  readonly challenge: string;
  /** Seconds until the key expires. It also ends with the key with which the person signed in */
  readonly expires_in: number;
  /** The holder's name for the key */
  readonly name: string;
  /** The scopes of the key, within the session's */
  readonly scopes: ReadonlyArray<Scope>;
}

/** An approval, for the command line that asked for it. */
export interface Approved {
  /** The command line gets the key for it, within two minutes */
  readonly code: string;
}

export interface AuditPage {
  /** Newest first */
  readonly data: ReadonlyArray<Record>;
  /** The cursor of the next page; null at the end */
  readonly next_cursor: string | null;
}

/** Where the person comes back to, and what the tokens are to permit. */
export interface BeginConnection {
  /** The port at which a command line on the person's machine waits for the answer, at `http://127.0.0.1:PORT/callback`. Without it, the person comes back to the dashboard */
  readonly redirect_port?: number | null;
  /** The scopes to ask for; those that the server asks for if not given */
  readonly scopes?: ReadonlyArray<string> | null;
}

/** Where a person wants to sign in. */
export interface BeginSignIn {
  /** The name of the issuer */
  readonly issuer: string;
}

/** A sign-in that has begun. */
export interface BegunSignIn {
  /** What the page needs when the person comes back, within ten minutes */
  readonly flow: string;
  /** Where the person signs in */
  readonly url: string;
}

/** A sign-in that has begun. */
export interface BegunSignInAtServer {
  /** What `complete` needs, within ten minutes */
  readonly flow: string;
  /** The host of the authorization server */
  readonly issuer_host: string;
  /** What is asked for */
  readonly scopes: ReadonlyArray<string>;
  /** Where the person signs in */
  readonly url: string;
}

export interface NewSecret {
  /** Whether it fills the argument when a call omits it */
  readonly is_default_for_tool?: boolean | null;
  /** The name, which need not be unique */
  readonly secret_name: string;
  /** The value; longer ones go to `PUT /v1/secrets/{secret_id}/value` */
  readonly secret_value: string;
  /** The argument of the tool */
  readonly tool_arg?: string | null;
  /** The tool pattern: each `*` stands for any run of characters */
  readonly tool_name?: string | null;
}

/** Fields that are absent or null stay unchanged. */
export interface SecretPatch {
  readonly is_default_for_tool?: boolean | null;
  readonly secret_name?: string | null;
  readonly secret_value?: string | null;
  readonly tool_arg?: string | null;
  readonly tool_name?: string | null;
}

/** The arguments of a tool call. */
export interface Call {
  /** The arguments that defaults may complete; all if not given */
  readonly accepts?: ReadonlyArray<string> | null;
  /** The arguments received so far. They are data: references in them stay unchanged */
  readonly args?: { readonly [name: string]: unknown } | null;
  /** For arguments, the references that trusted configuration sets: `secret://<secret_name>` or `secret:///id/<secret_id>` */
  readonly bindings?: { readonly [name: string]: string } | null;
  /** The arguments that the call requires */
  readonly require?: ReadonlyArray<string> | null;
}

/** The status and the content that the call would have got as a single request. */
export interface CallResult {
  /** With every other status */
  readonly detail?: unknown;
  /** With status 200 */
  readonly result?: Completed;
  readonly status: number;
}

export interface CallResults {
  /** In the order of the calls */
  readonly results: ReadonlyArray<CallResult>;
}

/** One call, or several. */
export type Calls = ToolCall | ToolCalls;

/** A secret that was considered. */
export interface Candidate {
  readonly pattern: string | null;
  readonly secret_id: string;
  readonly secret_name: string;
  readonly why: string;
  readonly wins: boolean;
}

/** What the authorization server answered. */
export interface CompleteConnection {
  /** The query of the URL to which the person came back */
  readonly answer: string;
  /** What the sign-in began with */
  readonly flow: string;
}

/** Completed arguments. They contain the values in plain text. */
export interface Completed {
  readonly applied: ReadonlyArray<Applied>;
  /** Received arguments keep their spelling */
  readonly args: { readonly [name: string]: unknown };
  readonly tool_name: string;
}

/** The answer to one call, or to several. */
export type CompletedOrResults = Completed | CallResults;

/** Where a person is signed in, or can be. No answer holds a token. */
export interface Connection {
  /** Whether it is renewed without the user */
  readonly can_refresh: boolean;
  /** When the user signed in */
  readonly connected_at: string | null;
  /** When the access token expires, if its issuer said so */
  readonly expires_at: string | null;
  /** The issuer of the tokens */
  readonly issuer: string | null;
  /** When it was last used, to the minute */
  readonly last_used_at: string | null;
  /** When the tokens were issued */
  readonly renewed_at: string | null;
  /** What the tokens permit */
  readonly scopes: ReadonlyArray<string>;
  /** The server's name in the configuration */
  readonly server: string;
  readonly state: ConnectionState;
}

export interface ConnectionList {
  readonly data: ReadonlyArray<Connection>;
}

/** Whether the user is signed in at a server. */
export type ConnectionState = "connected" | "needs_sign_in" | "not_connected";

/** At most one of `expires_in` and `expires_at` may be given. */
export interface CreateKey {
  /** Whether the key acts for any user */
  readonly any_user?: boolean | null;
  /** When the key expires; must lie in the future */
  readonly expires_at?: string | null;
  /** Seconds until the key expires */
  readonly expires_in?: number | null;
  /** The holder's name for the key */
  readonly name?: string | null;
  /** The scopes of the key, within the caller's */
  readonly scopes: ReadonlyArray<Scope>;
  /** Tool patterns that limit the key; empty for no limit */
  readonly tools?: ReadonlyArray<string> | null;
  /** The key's user, if not the caller's own */
  readonly user_id?: string | null;
}

export interface CreateUser {
  /** Unique among local users */
  readonly name: string;
}

export interface DecideApproval {
  readonly decision: PersonsDecision;
}

/** Whether the action was carried out. */
export type Decision = "allowed" | "denied";

/** A connection that was deleted. */
export interface DeletedConnection {
  /** Whether the authorization server took the tokens back. If not, they end there when they expire */
  readonly revoked: boolean;
}

/** Why a request was refused. */
export interface Error {
  readonly detail: string;
}

/** The status and the content that the call would have got as a single request. */
export interface ExplainResult {
  /** With every other status */
  readonly detail?: unknown;
  /** With status 200 */
  readonly result?: Explanation;
  readonly status: number;
}

export interface ExplainResults {
  /** In the order of the calls */
  readonly results: ReadonlyArray<ExplainResult>;
}

export interface ExplainedArgument {
  readonly arg: string;
  /** Best first */
  readonly candidates: ReadonlyArray<Candidate>;
  /** Secrets that almost apply */
  readonly near: ReadonlyArray<NearSecret>;
  readonly outcome: Outcome;
  /** Whether only the time of the last change, or the ID, decided between the best two */
  readonly tied: boolean;
  /** The secret that would be applied */
  readonly winner: string | null;
}

/** What resolving would do. */
export interface Explanation {
  readonly arguments: ReadonlyArray<ExplainedArgument>;
  readonly gateway: GatewayExplanation | null;
  readonly tool_name: string;
  readonly would_succeed: boolean;
}

/** The explanation of one call, or of several. */
export type ExplanationOrResults = Explanation | ExplainResults;

export interface Gateway {
  readonly servers: ReadonlyArray<GatewayServer>;
}

/** The outcome of a call through the gateway. */
export interface GatewayExplanation {
  /** Hidden arguments, those to which secrets almost apply, and credentials of the server that would fail */
  readonly arguments: ReadonlyArray<ExplainedArgument>;
  /** Whether the user must sign in at the server first */
  readonly needs_sign_in: boolean;
  /** Whether the server's own schema decided; if not, every argument counts as declared */
  readonly schema_known: boolean;
  readonly server: string;
  readonly would_succeed: boolean;
}

/** A server behind the gateway. */
export interface GatewayServer {
  /** When it listed these tools */
  readonly as_of: string | null;
  /** Why it is failing */
  readonly error: string | null;
  /** Credentials of the server itself that no secret serves: `headers.<Name>`, `env.<NAME>` or `url` */
  readonly missing: ReadonlyArray<string>;
  readonly name: string;
  readonly state: GatewayState;
  readonly tools: ReadonlyArray<GatewayTool>;
  readonly transport: Transport;
}

/** Whether a server of the gateway lists its tools; `unknown` if it was not asked. */
export type GatewayState = "ok" | "failing" | "needs_sign_in" | "unknown";

/** A tool of such a server. */
export interface GatewayTool {
  readonly approval: PolicyApproval | null;
  readonly arguments: ReadonlyArray<string>;
  /** The arguments that no model is shown */
  readonly hidden: ReadonlyArray<string>;
  /** Those of the hidden arguments that no secret serves */
  readonly missing: ReadonlyArray<string>;
  /** The name with which secrets are matched */
  readonly name: string;
  readonly title: string | null;
  /** The name that its server has for it */
  readonly tool_name: string;
}

/** What proves that the command line asked for the key. */
export interface GetApprovedKey {
  /** What the page got for the approval */
  readonly code: string;
  /** The text whose hash was approved */
  readonly verifier: string;
}

/** All mistakes of one request, in the order in which they were found: path, query, body. */
export interface HTTPValidationError {
  readonly detail?: ReadonlyArray<ValidationError>;
}

/** A new key. Only this answer shows it in full. */
export interface IssuedKey {
  readonly any_user: boolean;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** The key */
  readonly key: string;
  /** The public part of the key */
  readonly key_id: string;
  /** Rounded to the minute */
  readonly last_used_at: string | null;
  readonly name: string;
  readonly revoked_at: string | null;
  readonly scopes: ReadonlyArray<Scope>;
  /** Tool patterns that limit the key; empty for no limit */
  readonly tools: ReadonlyArray<string>;
  readonly user_id: string;
}

export interface Key {
  readonly any_user: boolean;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** The public part of the key */
  readonly key_id: string;
  /** Rounded to the minute */
  readonly last_used_at: string | null;
  readonly name: string;
  readonly revoked_at: string | null;
  readonly scopes: ReadonlyArray<Scope>;
  /** Tool patterns that limit the key; empty for no limit */
  readonly tools: ReadonlyArray<string>;
  readonly user_id: string;
}

export interface KeyList {
  readonly data: ReadonlyArray<Key>;
}

export interface Me {
  /** The name of the key, or the subject of the token */
  readonly name: string;
  readonly scopes: ReadonlyArray<Scope>;
  readonly tools: ReadonlyArray<string>;
  readonly user_id: string;
}

/** A secret that almost applies. */
export interface NearSecret {
  readonly secret_id: string;
  readonly secret_name: string;
  readonly why: string;
}

/** What a call needs of a person. */
export type Need = "first" | "each";

/** An empty object. */
export type Nothing = { readonly [name: string]: never };

/** What an argument would get, or the type of its error. */
export type Outcome = "received" | "default" | "binding" | "none" | "secret_not_available" | "secret_expired" | "secret_missing" | "secret_ambiguous" | "approval_needed";

/** A secret that a tool call needs and the user has not stored yet. */
export interface PendingSecret {
  /** The argument that needs the secret */
  readonly argument: string;
  /** For how many seconds it can still be stored here */
  readonly expires_in: number;
  /** The name that the secret will have */
  readonly secret_name: string;
  /** The server whose tool was called */
  readonly server: string;
}

/** What a person decides about a call. */
export type PersonsDecision = "once" | "hour" | "always" | "refuse";

export interface Policy {
  readonly approval: PolicyApproval | null;
  /** Never applied: an attempt to use it, or to send its value, sets off an alarm */
  readonly canary: boolean;
  readonly expires_at: string | null;
  readonly protected: boolean;
  readonly redact: boolean;
  readonly rotate_after_days: number | null;
  /** Companion arguments and the patterns, one of which each must match unless it is absent */
  readonly when: { readonly [name: string]: ReadonlyArray<string> };
}

/** When a person must allow a call that gets the secret. */
export type PolicyApproval = "always" | "first" | "writes";

export interface PolicyInfo {
  readonly approval: PolicyApproval | null;
  /** Never applied: an attempt to use it, or to send its value, sets off an alarm */
  readonly canary: boolean;
  readonly expires_at: string | null;
  readonly is_due: boolean;
  readonly is_expired: boolean;
  readonly protected: boolean;
  readonly redact: boolean;
  readonly rotate_after_days: number | null;
  /** When the current value is due for rotation */
  readonly rotation_due_at: string | null;
  readonly secret_id: string;
  /** Companion arguments and the patterns, one of which each must match unless it is absent */
  readonly when: { readonly [name: string]: ReadonlyArray<string> };
}

export interface PolicyList {
  readonly data: ReadonlyArray<PolicyInfo>;
}

/** One record of the trail. Members that do not apply are absent. */
export interface Record {
  readonly action: Action;
  /** `key:<key_id>`, `jwt:<iss> <sub>`, `local:<uid>` or `anonymous` */
  readonly actor: string;
  readonly argument?: string;
  /** The arguments that a tool was called with: each name, `:` and the type of its value */
  readonly arguments?: ReadonlyArray<string>;
  readonly at: string;
  /** How many equal events the record stands for, if more than one */
  readonly count?: number;
  readonly decision: Decision;
  /** The hidden arguments for which a value was received and discarded */
  readonly dropped?: ReadonlyArray<string>;
  /** How long the tool call took */
  readonly duration_ms?: number;
  /** Why it was refused, or what changed */
  readonly reason?: string;
  readonly request_id?: string;
  readonly secret_id?: string;
  /** The secret's name at that time */
  readonly secret_name?: string;
  /** Position in the trail, without gaps */
  readonly sequence: number;
  /** The network address of an unknown caller */
  readonly source?: string;
  /** Hash of the row after the change */
  readonly state?: string;
  /** The key or user concerned, if it is not the actor */
  readonly subject?: string;
  /** The tool's name, or the pattern of a binding */
  readonly tool?: string;
  /** The user whose trail it belongs to */
  readonly user_id: string | null;
  readonly version?: number;
}

export interface ReplaceValue {
  /** The new value, 4 to 65,536 bytes of UTF-8 */
  readonly secret_value: string;
}

export interface RotateKey {
  /** For how many seconds the old key stays valid; 0 if not given */
  readonly overlap_seconds?: number | null;
}

/** A right of a key. No scope implies another. */
export type Scope = "manage" | "use" | "resolve" | "audit" | "admin";

export interface SecretInfo {
  readonly created_at: string;
  /** The masked value; it does not reveal the length */
  readonly display: string | null;
  readonly is_default_for_tool: boolean;
  readonly secret_id: string;
  readonly secret_name: string;
  readonly tool_arg: string | null;
  readonly tool_name: string | null;
  readonly updated_at: string;
  readonly user_id: string;
}

export interface SecretList {
  readonly data: ReadonlyArray<SecretInfo>;
  readonly limit: number;
  readonly offset: number;
  /** How many secrets match */
  readonly total: number;
}

/** Absent fields stay unchanged; null clears a field (RFC 7396), and means false for the flag. */
export interface SecretMergePatch {
  readonly is_default_for_tool?: boolean | null;
  readonly secret_name?: string;
  readonly secret_value?: string;
  readonly tool_arg?: string | null;
  readonly tool_name?: string | null;
}

/** The uses of one secret. */
export interface SecretUse {
  /** Who used it then, as the audit trail names them: `key:` and the ID of an API key, for example */
  readonly last_actor: string | null;
  /** The tool that it was used for then */
  readonly last_tool: string | null;
  /** Null if it was not used in the last 30 days */
  readonly last_used_at: string | null;
  readonly secret_id: string;
  /** The number of uses on each of the last 30 days (UTC), the oldest first */
  readonly uses: ReadonlyArray<number>;
  /** The number of the current version; null if the secret was deleted or lies outside the key's tool patterns */
  readonly version: number | null;
}

export interface SecretUses {
  /** The secrets that were used, also those deleted since, the latest first; then the others, oldest first */
  readonly data: ReadonlyArray<SecretUse>;
  /** The counts are complete from then on: a long trail is read in part */
  readonly since: string;
}

/** A person's session. */
export interface Session {
  /** What the page sends as `X-CSRF-Token` with every request */
  readonly csrf_token: string;
  /** When the session ends, whatever happens in it */
  readonly expires_at: string;
  /** After so many seconds without a request it ends earlier */
  readonly idle_seconds: number;
  /** The key whose rights it has; null for a link of the command line, and at an issuer */
  readonly key_id: string | null;
  /** The name of the key, the subject at the issuer, or `local:` and the user of the machine */
  readonly name: string;
  readonly scopes: ReadonlyArray<Scope>;
  readonly tools: ReadonlyArray<string>;
  readonly user_id: string;
  readonly user_name: string;
}

/** Fields that are absent or null get their default. */
export interface SetPolicy {
  readonly approval?: PolicyApproval | null;
  /** Never apply it, and record each attempt as `canary.used`; `false` if not given */
  readonly canary?: boolean | null;
  /** The secret is refused from this time on */
  readonly expires_at?: string | null;
  /** Only the value may be replaced */
  readonly protected?: boolean | null;
  /** Whether the value is confidential; `true` if not given */
  readonly redact?: boolean | null;
  /** Number of days after which a value is due for rotation */
  readonly rotate_after_days?: number | null;
  /** Companion arguments and the patterns that each must match */
  readonly when?: { readonly [name: string]: ReadonlyArray<string> } | null;
}

/** Exactly one of them. */
export interface SignIn {
  /** An API key */
  readonly key?: string;
  /** The token of a link of `toolvault open` */
  readonly link?: string;
  readonly oidc?: SignInAnswer;
}

/** The answer of an issuer. */
export interface SignInAnswer {
  /** The query of the URL to which the person came back */
  readonly answer: string;
  /** What the sign-in began with */
  readonly flow: string;
  /** The issuer in the path to which the person came back */
  readonly issuer: string;
}

/** An issuer at which people can sign in. */
export interface SignInIssuer {
  /** Its name in the configuration */
  readonly name: string;
}

/** The issuers at which people can sign in. */
export interface SignInIssuers {
  readonly data: ReadonlyArray<SignInIssuer>;
}

/** The state of a call that a person must allow. */
export type StateOfApproval = "pending" | "allowed" | "refused" | "expired" | "used";

export interface Status {
  readonly status: string;
}

/** A tool and the arguments of its call. */
export interface ToolCall {
  /** The arguments that defaults may complete; all if not given */
  readonly accepts?: ReadonlyArray<string> | null;
  /** The arguments received so far. They are data: references in them stay unchanged */
  readonly args?: { readonly [name: string]: unknown } | null;
  /** For arguments, the references that trusted configuration sets: `secret://<secret_name>` or `secret:///id/<secret_id>` */
  readonly bindings?: { readonly [name: string]: string } | null;
  /** The arguments that the call requires */
  readonly require?: ReadonlyArray<string> | null;
  /** The tool's whole name */
  readonly tool_name: string;
}

/** Several calls, each answered separately. */
export interface ToolCalls {
  readonly calls: ReadonlyArray<ToolCall>;
}

/** A definition other than the pinned one. */
export interface ToolChange {
  /** What differs, in words; null if a definition was not kept */
  readonly differences: ReadonlyArray<string> | null;
  /** When it was seen */
  readonly seen_at: string;
  /** SHA-256 of the canonical definition */
  readonly sha256: string;
  /** Where it holds hidden characters */
  readonly warnings: ReadonlyArray<string>;
}

/** What a tool is pinned as. */
export interface ToolPin {
  readonly change: ToolChange | null;
  /** When that was first seen or accepted */
  readonly pinned_at: string;
  /** SHA-256 of its canonical definition */
  readonly sha256: string;
  /** The name that its server has for it */
  readonly tool: string;
  /** What a person should know of its name and definition: that it looks like another tool, or holds hidden characters */
  readonly warnings: ReadonlyArray<string>;
}

export interface ToolPinList {
  readonly data: ReadonlyArray<ToolPin>;
}

/** How a server of the gateway is reached. */
export type Transport = "http" | "stdio";

/** Why a tool's arguments cannot be completed. */
export interface Unresolved {
  readonly detail: ReadonlyArray<UnresolvedArgument>;
}

/** What is wrong with one argument. */
export interface UnresolvedArgument {
  /** `bindings`, `args` or `require`, and the argument */
  readonly loc: ReadonlyArray<string>;
  readonly msg: string;
  readonly type: UnresolvedType;
}

export type UnresolvedType = "secret_not_available" | "secret_expired" | "secret_missing" | "secret_ambiguous" | "approval_needed";

/** Fields that are absent or null stay unchanged. A key's rights and lifetime can only be narrowed. */
export interface UpdateKey {
  /** When the key expires; must lie in the future */
  readonly expires_at?: string | null;
  /** Seconds until the key expires */
  readonly expires_in?: number | null;
  readonly name?: string | null;
  readonly scopes?: ReadonlyArray<Scope> | null;
}

/** Absent fields stay unchanged; null restores a limit's default. */
export interface UpdateUser {
  /** How many bytes the current values may have in all */
  readonly bytes_limit?: number | null;
  /** A disabled user's credentials are refused */
  readonly disabled?: boolean | null;
  /** How many secrets the user may have */
  readonly secrets_limit?: number | null;
}

export interface Usage {
  /** Sum of the current values, in steps of 1 KiB */
  readonly bytes: number;
  readonly bytes_limit: number;
  readonly secrets: number;
  readonly secrets_limit: number;
}

export interface User {
  /** The user's own limit, if it is set */
  readonly bytes_limit: number | null;
  readonly created_at: string;
  readonly disabled: boolean;
  /** Unique among local users */
  readonly name: string;
  /** `local`, or `issuer:` and the issuer */
  readonly origin: string;
  /** The user's own limit, if it is set */
  readonly secrets_limit: number | null;
  readonly user_id: string;
}

export interface UserList {
  readonly data: ReadonlyArray<User>;
}

/** One element of `detail`. */
export interface ValidationError {
  /** The parameters of the message */
  readonly ctx?: { readonly [name: string]: unknown };
  readonly loc: ReadonlyArray<string | number>;
  readonly msg: string;
  readonly type: string;
}

export interface Version {
  readonly created_at: string;
  /** Who stored it */
  readonly created_by: string;
  readonly state: VersionState;
  readonly version: number;
}

export interface VersionList {
  readonly data: ReadonlyArray<Version>;
}

/** Whether a version is the current one. */
export type VersionState = "current" | "superseded";
