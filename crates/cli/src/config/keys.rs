//! All keys of the configuration, and the types of their values.

use std::borrow::Cow;

use crate::environment::{PREFIX, ROOT_KEY_FILE};

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A confidential text.
    Secret,
    /// The path of a file with something confidential, which the gateway's programs must not read.
    SecretFile,
    Integer,
    Boolean,
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A program and its arguments. The arguments are confidential.
    Command,
    /// A table of texts, each of which has its own key.
    Table,
}

/// How much like a key another must be to be meant, from 0 to 1 (Jaro-Winkler).
const NEAR: f64 = 0.9;

use Kind::{Boolean, Integer, Secret, SecretFile, Text, TextOrTexts, Texts};

/// The root key itself, which only the environment may set.
pub(super) const ROOT_KEY_VALUE: &str = "root_key";

pub(super) const KEYS: &[(&str, Kind)] = &[
    ("listen", Text),
    ("data_dir", Text),
    ("database_url", Secret),
    ("database_url_file", SecretFile),
    ("insecure_http", Boolean),
    ("consistency", Text),
    ("cache_bytes", Integer),
    ("trusted_proxies", Texts),
    ("metrics_listen", Text),
    ("log_format", Text),
    ("first_keys_file", Text),
    ("tls.certificate", Text),
    ("tls.key", SecretFile),
    ("replica.url", Text),
    ("replica.ca_file", Text),
    (ROOT_KEY_VALUE, Secret),
    ("root_key.file", SecretFile),
    ("root_key.command", Texts),
    ("root_key.passphrase_file", SecretFile),
    ("limits.body_bytes", Integer),
    ("limits.header_seconds", Integer),
    ("limits.body_seconds", Integer),
    ("limits.connections", Integer),
    ("limits.requests_per_second", Integer),
    ("limits.sign_in_failures_per_minute", Integer),
    ("limits.shutdown_seconds", Integer),
    ("limits.secrets", Integer),
    ("limits.bytes", Integer),
    ("limits.versions", Integer),
    ("dashboard.enabled", Boolean),
    ("dashboard.idle_minutes", Integer),
    ("dashboard.session_hours", Integer),
    ("audit.uses", Text),
    ("audit.keep", Text),
    ("audit.checkpoints.every", Text),
    ("audit.checkpoints.directory", Text),
    ("audit.checkpoints.command", Kind::Command),
    ("audit.checkpoints.s3.url", Text),
    ("audit.checkpoints.s3.region", Text),
    ("audit.checkpoints.s3.access_key_id", Text),
    ("audit.checkpoints.s3.secret_access_key", Secret),
    ("audit.checkpoints.s3.secret_access_key_file", SecretFile),
    ("audit.checkpoints.s3.allow_private_network", Boolean),
    ("audit.checkpoints.s3.ca_file", Text),
    ("audit.ship.url", Secret),
    ("audit.ship.headers_file", SecretFile),
    ("audit.ship.allow_private_network", Boolean),
    ("audit.ship.ca_file", Text),
    ("audit.ship.allow_unclean_end", Boolean),
    ("alarms.url", Secret),
    ("alarms.secret_file", SecretFile),
    ("alarms.headers_file", SecretFile),
    ("alarms.allow_private_network", Boolean),
    ("alarms.ca_file", Text),
    ("alarms.command", Kind::Command),
    ("alarms.events", Texts),
    ("alarms.failures", Integer),
    ("traces.url", Secret),
    ("traces.headers_file", SecretFile),
    ("traces.percent", Integer),
    ("traces.continue", Boolean),
    ("traces.allow_private_network", Boolean),
    ("traces.ca_file", Text),
    ("backup.every", Text),
    ("backup.keep", Integer),
    ("backup.directory", Text),
    ("ext_mcp.listen", Text),
    ("ext_mcp.token_file", SecretFile),
    ("gateway.allow_broad_patterns", Boolean),
    ("gateway.allowed_hosts", Texts),
    ("gateway.public_url", Text),
    ("gateway.sandbox", Text),
    ("gateway.limits.session_idle_seconds", Integer),
    ("gateway.limits.sessions", Integer),
    ("gateway.limits.sessions_per_caller", Integer),
    ("gateway.limits.process_idle_seconds", Integer),
    ("gateway.limits.processes", Integer),
    ("gateway.limits.processes_per_caller", Integer),
    ("gateway.limits.message_bytes", Integer),
    ("gateway.limits.silence_seconds", Integer),
    ("gateway.limits.approval_wait_seconds", Integer),
    ("gateway.limits.approval_timeout_seconds", Integer),
];

/// The keys of each table of [`ISSUERS`].
pub(super) const ISSUER_KEYS: &[(&str, Kind)] = &[
    ("issuer", Text),
    ("audience", TextOrTexts),
    ("jwks_url", Text),
    ("jwks_file", Text),
    ("algorithms", Texts),
    ("token_types", Texts),
    ("scopes", Texts),
    ("create_users", Boolean),
    ("subject_is_user_id", Boolean),
    ("max_lifetime_seconds", Integer),
    ("allow_private_network", Boolean),
    ("ca_file", Text),
    ("client_id", Text),
    ("client_secret_file", SecretFile),
    ("sign_in_scopes", Texts),
];

/// The table of issuers, each with a name that the operator chooses.
pub(super) const ISSUERS: &str = "auth.issuers.";

/// The keys of a table of [`SERVERS`] for a server over HTTP.
pub(super) const HTTP_KEYS: &[(&str, Kind)] = &[
    ("url", Secret),
    ("headers", Kind::Table),
    ("allow_private_network", Boolean),
    ("ca_file", Text),
    ("oauth.issuer", Text),
    ("oauth.client_id", Text),
    ("oauth.client_secret_file", SecretFile),
    ("oauth.private_key_file", SecretFile),
    ("oauth.scopes", Texts),
    ("oauth.grant", Text),
];

/// The keys of a table of [`SERVERS`] for a program.
pub(super) const PROGRAM_KEYS: &[(&str, Kind)] = &[
    ("command", Kind::Command),
    ("env", Kind::Table),
    ("directory", Text),
];

/// The keys of every table of [`SERVERS`].
pub(super) const SERVER_KEYS: &[(&str, Kind)] = &[
    ("credential_arguments", Texts),
    ("allow_override", Boolean),
    ("pin", Text),
    ("approval", Kind::Table),
    ("secure_parameters", Boolean),
];

/// The table of the gateway's servers. Only a file may set them.
pub(super) const SERVERS: &str = "gateway.servers.";

/// The type of the value of `key`, if the key exists.
pub(super) fn kind(key: &str) -> Option<Kind> {
    let find = |keys: &[(&str, Kind)], wanted: &str| {
        let found = keys.iter().find(|(name, _)| *name == wanted);
        found.map(|&(_, kind)| kind)
    };
    if let Some((_, field)) = split_issuer(key) {
        return find(ISSUER_KEYS, field);
    }
    let Some((_, field)) = split_server(key) else {
        return find(KEYS, key);
    };
    if field.starts_with("headers.") || field.starts_with("env.") {
        return Some(Secret);
    }
    if field.starts_with("approval.") {
        return Some(Text);
    }
    [HTTP_KEYS, PROGRAM_KEYS, SERVER_KEYS]
        .iter()
        .find_map(|keys| find(keys, field))
}

/// The key that an unknown one is most like, if any is near. Of a server or an issuer, it is a key of the same table.
pub(super) fn closest(unknown: &str) -> Option<String> {
    let (field, tables): (&str, &[&[(&str, Kind)]]) =
        match (split_server(unknown), split_issuer(unknown)) {
            (Some((_, field)), _) => (field, &[HTTP_KEYS, PROGRAM_KEYS, SERVER_KEYS]),
            (None, Some((_, field))) => (field, &[ISSUER_KEYS]),
            (None, None) => (unknown, &[KEYS]),
        };
    let table = unknown.strip_suffix(field)?;
    let names = tables
        .iter()
        .flat_map(|keys| keys.iter())
        .map(|(name, _)| name);
    let rated = names.map(|name| (strsim::jaro_winkler(field, name), name));
    let (likeness, name) = rated.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= NEAR).then(|| format!("{table}{name}"))
}

/// The server's name and the field of a key in [`SERVERS`]. A server's name has no full stop.
pub(super) fn split_server(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(SERVERS)?.split_once('.')
}

/// The issuer's name and the field of a key in [`ISSUERS`].
pub(super) fn split_issuer(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(ISSUERS)?
        .rsplit_once('.')
        .filter(|(name, _)| !name.is_empty())
}

/// The key that an environment variable sets; two underscores separate levels.
pub(super) fn of_variable(variable: &str) -> Option<Cow<'static, str>> {
    if variable == ROOT_KEY_FILE {
        return Some("root_key.file".into());
    }
    let name = variable.strip_prefix(PREFIX)?;
    Some(name.to_ascii_lowercase().replace("__", ".").into())
}

/// The environment variable that sets a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}
