//! The answer to every caller on every route.
//!
//! The columns are the callers of [`super::cast`], in their order:
//! anonymous, a bad key, a garbage token, a revoked key, an expired key, a disabled user's key, a token signed with a
//! foreign key | keys with one scope each: manage, use, resolve, audit, admin | a key with all scopes except admin,
//! limited to tools `linear__*` | `any_user` with and without its header, that header on another key |
//! a token of the issuer (manage, audit) | another user's key with all scopes except admin | the operator |
//! the operator in a browser, and a thief of the browser's cookie without the token of its session.
//! Each acts on objects of their own user, except where only an administrator may act.

use super::cast::NAMES;

/// One route.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) body: Option<&'static str>,
    statuses: &'static str,
}

impl Row {
    /// Each caller with the expected status.
    pub(super) fn expected(&self) -> Vec<(&'static str, u16)> {
        let statuses = self.statuses.split_whitespace().filter(|cell| *cell != "|");
        let statuses = statuses.map(|cell| cell.parse().unwrap());
        NAMES.into_iter().zip(statuses).collect()
    }
}

const NEW_SECRET: &str = r#"{"secret_name":"n","secret_value":"value","tool_name":"linear__get"}"#;
const NEW_VALUE: &str = r#"{"secret_value":"another value"}"#;
const NEW_POLICY: &str = r#"{"redact":false}"#;
const NEW_KEY: &str = r#"{"name":"n","scopes":["manage"]}"#;
const NEW_USER: &str = r#"{"name":"user <number>"}"#;
const ACCEPTED: &str =
    r#"{"tool":"get","sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#;
const SIGN_IN: &str = r#"{"key":"no key"}"#;
const NO_ISSUER: &str = r#"{"issuer":"unknown"}"#;
const APPROVAL: &str = r#"{"challenge":"0000000000000000000000000000000000000000000000000000000000000000","name":"n","scopes":["manage"],"expires_in":60}"#;
const NO_APPROVAL: &str = r#"{"code":"unknown","verifier":"unknown"}"#;
const DECISION: &str = r#"{"decision":"once"}"#;
const ONE_CALL: &str = r#"{"tool_name":"linear__get"}"#;

/// An answer to a sign-in.
const ANSWERED: &str = r#"{"flow":"00","answer":"code=c&state=s"}"#;

#[rustfmt::skip]
const TABLE: &[(&str, &str, &str, &str)] = &[
    // route                                             body         anon bad  garb revo expi disa stra | mana use
    // reso audi admi | narr | any  any- hdr | jwt  othr oper | sess copy
    ("GET",    "/api/v1/secrets/",                       "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/secrets/",                       NEW_SECRET, "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/secrets/{secret_id}",            "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("PATCH",  "/api/v1/secrets/{secret_id}",            NEW_VALUE,  "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("DELETE", "/api/v1/secrets/{secret_id}",            "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("PUT",    "/api/v1/secrets/{secret_id}/value",      NEW_VALUE,  "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/secrets/{secret_id}/versions",        "",        "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("DELETE", "/api/v1/secrets/{secret_id}/versions/{version}", "",        "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/secrets/{secret_id}/versions/{version}/restore", "",        "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/policies",                       "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/secrets/{secret_id}/policy",          "",        "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("PUT",    "/api/v1/secrets/{secret_id}/policy",          NEW_POLICY, "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/pending-secrets/{pending_id}",   "",         "401  401  401  401  401  401  401  | 404  403  403  403  403  | 404  | 404  403  403 | 404  404  404 | 404  401"),
    ("POST",   "/api/v1/pending-secrets/{pending_id}",   NEW_VALUE,  "401  401  401  401  401  401  401  | 404  403  403  403  403  | 404  | 404  403  403 | 404  404  404 | 404  401"),
    ("POST",   "/api/v1/tools/{tool_name}/resolve",      "{}",       "401  401  401  401  401  401  401  | 403  403  200  403  403  | 200  | 200  403  403 | 403  200  200 | 401  401"),
    ("POST",   "/api/v1/tools/{tool_name}/explain",      "{}",       "401  401  401  401  401  401  401  | 200  200  200  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/resolve",                        ONE_CALL,   "401  401  401  401  401  401  401  | 403  403  200  403  403  | 200  | 200  403  403 | 403  200  200 | 401  401"),
    ("POST",   "/api/v1/explain",                        ONE_CALL,   "401  401  401  401  401  401  401  | 200  200  200  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/session",                        "",         "401  401  401  401  401  401  401  | 401  401  401  401  401  | 401  | 401  401  401 | 401  401  401 | 200  401"),
    ("POST",   "/api/v1/session",                        SIGN_IN,    "401  401  401  401  401  401  401  | 401  401  401  401  401  | 401  | 401  401  401 | 401  401  401 | 401  401"),
    ("DELETE", "/api/v1/session",                        "",         "401  401  401  401  401  401  401  | 401  401  401  401  401  | 401  | 401  401  401 | 401  401  401 | 204  401"),
    ("GET",    "/api/v1/session/issuers",               "",         "200  200  200  200  200  200  200  | 200  200  200  200  200  | 200  | 200  200  200 | 200  200  200 | 200  200"),
    ("POST",   "/api/v1/session/issuers",               NO_ISSUER,  "422  422  422  422  422  422  422  | 422  422  422  422  422  | 422  | 422  422  422 | 422  422  422 | 422  422"),
    ("POST",   "/api/v1/session/approvals",             APPROVAL,   "401  401  401  401  401  401  401  | 401  401  401  401  401  | 401  | 401  401  401 | 401  401  401 | 200  401"),
    ("POST",   "/api/v1/session/approvals/key",         NO_APPROVAL, "401  401  401  401  401  401  401  | 401  401  401  401  401  | 401  | 401  401  401 | 401  401  401 | 401  401"),
    ("GET",    "/api/v1/gateway",                        "",         "401  401  401  401  401  401  401  | 200  200  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/gateway/pins/{server}",          "",         "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("POST",   "/api/v1/gateway/pins/{server}",          ACCEPTED,   "401  401  401  401  401  401  401  | 403  403  403  403  404  | 403  | 403  403  403 | 403  403  404 | 404  401"),
    ("GET",    "/api/v1/approvals",                      "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/approvals/{approval_id}",        "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/approvals/{approval_id}",        DECISION,   "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("DELETE", "/api/v1/approvals/{approval_id}",        "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/connections",                    "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/connections/{server}/begin",     "{}",       "401  401  401  401  401  401  401  | 404  403  403  403  403  | 404  | 404  403  403 | 404  404  404 | 404  401"),
    ("POST",   "/api/v1/connections/{server}/complete",  ANSWERED,   "401  401  401  401  401  401  401  | 404  403  403  403  403  | 404  | 404  403  403 | 404  404  404 | 404  401"),
    ("DELETE", "/api/v1/connections/{server}",           "",         "401  401  401  401  401  401  401  | 404  403  403  403  403  | 404  | 404  403  403 | 404  404  404 | 404  401"),
    ("GET",    "/api/v1/uses",                           "",         "401  401  401  401  401  401  401  | 200  403  403  200  403  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/keys",                           "",         "401  401  401  401  401  401  401  | 200  403  403  403  200  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/keys",                           NEW_KEY,    "401  401  401  401  401  401  401  | 200  403  403  403  403  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("PATCH",  "/api/v1/keys/{key_id}",                  "{}",       "401  401  401  401  401  401  401  | 200  403  403  403  403  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("DELETE", "/api/v1/keys/{key_id}",                  "",         "401  401  401  401  401  401  401  | 200  403  403  403  200  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("POST",   "/api/v1/keys/{key_id}/rotate",           "{}",       "401  401  401  401  401  401  401  | 200  403  403  403  403  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/me",                             "",         "401  401  401  401  401  401  401  | 200  200  200  200  200  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/usage",                          "",         "401  401  401  401  401  401  401  | 200  403  403  403  403  | 403  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/audit",                          "",         "401  401  401  401  401  401  401  | 403  403  403  200  200  | 200  | 200  403  403 | 200  200  200 | 200  401"),
    ("GET",    "/api/v1/users",                          "",         "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("POST",   "/api/v1/users",                          NEW_USER,   "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("PATCH",  "/api/v1/users/{user_id}",                "{}",       "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("DELETE", "/api/v1/users/{user_id}/sessions",       "",         "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("DELETE", "/api/v1/users/{user_id}",                "",         "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
    ("GET",    "/healthz",                               "",         "200  200  200  200  200  200  200  | 200  200  200  200  200  | 200  | 200  200  200 | 200  200  200 | 200  200"),
    ("GET",    "/readyz",                                "",         "200  200  200  200  200  200  200  | 200  200  200  200  200  | 200  | 200  200  200 | 200  200  200 | 200  200"),
    ("GET",    "/metrics",                               "",         "401  401  401  401  401  401  401  | 403  403  403  403  200  | 403  | 403  403  403 | 403  403  200 | 200  401"),
];

pub(super) fn rows() -> Vec<Row> {
    TABLE
        .iter()
        .map(|&(method, path, body, statuses)| Row {
            method,
            path,
            body: (!body.is_empty()).then_some(body),
            statuses,
        })
        .collect()
}
