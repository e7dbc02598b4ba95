//! Validates the layers: makes settings from them, or collects all problems.

use std::collections::BTreeMap;

use toml::{Table, Value};
use toolvault_server::{
    DashboardSettings, IssuerConfig, ReplicaSettings, RequestLimits, ServerSettings, TlsFiles,
};
use toolvault_vault::{Consistency, DatabaseLocation, DatabaseUrl, Durability, Limits, Settings};

use super::alarms::Alarms;
use super::ext_mcp;
use super::first_keys::FirstKeysFile;
use super::gateway;
use super::jobs::{self, Backups, Checkpoints};
use super::keys::{ISSUERS, split_issuer};
use super::layers::{Layers, Origin};
use super::root_key::{RootKey, read_secret_file};
use super::ship::Shipping;
use super::traces::Tracing;

pub(super) const ADDRESS: &str =
    "expected an address and a port, as in 127.0.0.1:8710 or [::1]:8710";

/// The effective configuration, validated.
pub(crate) struct Configuration {
    /// The settings of the server.
    pub(crate) server: ServerSettings,
    /// The settings of the vault.
    pub(crate) vault: Settings,
    /// The source of the root key.
    pub(crate) root_key: RootKey,
    /// The file for the first keys of a new store.
    pub(crate) first_keys: FirstKeysFile,
    /// The format of log lines.
    pub(crate) log_format: LogFormat,
    /// The backups that the server writes regularly.
    pub(crate) backups: Option<Backups>,
    /// The checkpoints that the server writes regularly.
    pub(crate) checkpoints: Option<Checkpoints>,
    /// How long the server keeps audit records, in microseconds; `None` for ever.
    pub(crate) audit_keep: Option<i64>,
    /// Where audit records are shipped to.
    pub(crate) shipping: Option<Shipping>,
    /// Who gets alarms.
    pub(crate) alarms: Option<Alarms>,
    /// Where traces are sent to.
    pub(crate) tracing: Option<Tracing>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// JSON unless standard error is a terminal.
    #[default]
    Auto,
    /// JSON.
    Json,
    /// Text.
    Text,
}

/// The settings, or all problems.
pub(super) fn validate(mut layers: Layers) -> Result<Configuration, Vec<String>> {
    let configuration = assemble(&mut layers);
    match configuration {
        Some(configuration) if layers.problems.is_empty() => Ok(configuration),
        _ => Err(layers.problems),
    }
}

fn assemble(layers: &mut Layers) -> Option<Configuration> {
    let server = server(layers);
    let vault = vault(layers);
    let root_key = RootKey::of(layers);
    let log_format = layers.choice(
        "log_format",
        &[
            ("auto", LogFormat::Auto),
            ("json", LogFormat::Json),
            ("text", LogFormat::Text),
        ],
    );
    let backups = Backups::of(layers);
    let checkpoints = Checkpoints::of(layers);
    let audit_keep = jobs::audit_keep(layers);
    let shipping = Shipping::of(layers);
    let alarms = Alarms::of(layers);
    let tracing = Tracing::of(layers);
    Some(Configuration {
        server: server?,
        vault: Settings {
            ships_audit: shipping.is_some(),
            ..vault?
        },
        root_key: root_key?,
        first_keys: FirstKeysFile::of(layers)?,
        log_format,
        backups,
        checkpoints,
        audit_keep,
        shipping,
        alarms,
        tracing,
    })
}

fn server(layers: &mut Layers) -> Option<ServerSettings> {
    let listen = layers.parsed("listen", ADDRESS);
    let metrics_listen = layers.parsed("metrics_listen", ADDRESS);
    let trusted_proxies =
        layers.all_parsed("trusted_proxies", "expected networks, as in \"10.0.0.0/8\"");
    let limits = RequestLimits {
        body_bytes: layers.integer("limits.body_bytes", 1_024),
        header_seconds: layers.integer("limits.header_seconds", 1),
        body_seconds: layers.integer("limits.body_seconds", 1),
        connections: layers.integer("limits.connections", 1),
        requests_per_second: layers.integer("limits.requests_per_second", 0),
        sign_in_failures_per_minute: layers.integer("limits.sign_in_failures_per_minute", 1),
        shutdown_seconds: layers.integer("limits.shutdown_seconds", 0),
    };
    let tls = match (layers.path("tls.certificate"), layers.path("tls.key")) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            layers.problem_at("tls.certificate", "set tls.key too");
            None
        }
        (None, Some(_)) => {
            layers.problem_at("tls.key", "set tls.certificate too");
            None
        }
    };
    Some(ServerSettings {
        tls,
        insecure_http: layers.boolean("insecure_http"),
        metrics_listen,
        ext_mcp: ext_mcp::settings(layers),
        trusted_proxies,
        limits,
        dashboard: DashboardSettings {
            enabled: layers.boolean("dashboard.enabled"),
            idle_minutes: layers.integer("dashboard.idle_minutes", 1),
            session_hours: layers.integer("dashboard.session_hours", 1),
        },
        issuers: issuers(layers),
        gateway: gateway::settings(layers),
        replica: replica(layers),
        // Set when the collector's client was made.
        traces: None,
        listen: listen?,
    })
}

fn replica(layers: &mut Layers) -> Option<ReplicaSettings> {
    let Some(url) = layers.text("replica.url").map(|(url, _)| url.to_owned()) else {
        if layers.path("replica.ca_file").is_some() {
            layers.problem_at("replica.ca_file", "set replica.url too");
        }
        return None;
    };
    let is_shared = |key| layers.text(key).is_some();
    if !is_shared("database_url") && !is_shared("database_url_file") {
        layers.problem_at(
            "replica.url",
            "set database_url too: only a PostgreSQL database has several servers",
        );
    }
    Some(ReplicaSettings {
        url,
        ca_file: layers.path("replica.ca_file"),
    })
}

fn vault(layers: &mut Layers) -> Option<Settings> {
    let database = match database_url(layers) {
        Some(url) => DatabaseLocation::Postgres(DatabaseUrl::new(url)),
        None => DatabaseLocation::Directory(layers.path("data_dir")?),
    };
    let mut settings = Settings::new(database);
    settings.limits = Limits {
        secrets: layers.integer("limits.secrets", 0),
        bytes: layers.integer("limits.bytes", 0),
        versions: layers.integer("limits.versions", 1),
    };
    settings.audit_uses = layers.choice(
        "audit.uses",
        &[("system", Durability::System), ("disk", Durability::Disk)],
    );
    settings.consistency = layers.choice(
        "consistency",
        &[
            ("bounded", Consistency::Bounded),
            ("strict", Consistency::Strict),
        ],
    );
    settings.cache_bytes = layers.integer("cache_bytes", 0);
    Some(settings)
}

fn database_url(layers: &mut Layers) -> Option<String> {
    let key = layers.latest(&["database_url", "database_url_file"])?;
    require_one_store(layers, key);
    let url = match key {
        "database_url" => layers.text("database_url")?.0.to_owned(),
        key => {
            let path = layers.path(key)?;
            match read_secret_file(&path) {
                Ok(text) => text.trim().to_owned(),
                Err(error) => {
                    layers.problem_at(key, &format!("cannot read {}: {error}", path.display()));
                    return None;
                }
            }
        }
    };
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        layers
            .problems
            .push("database_url: expected a URL that begins with postgres://".to_owned());
    }
    Some(url)
}

/// A command with `--data-dir` is about that directory, such as a drill: it must not change the database that a variable
/// or the file names.
fn require_one_store(layers: &mut Layers, database: &str) {
    let origin = |key: &str| layers.entries.get(key).map(|entry| &entry.origin);
    let is_flag = |key: &str| matches!(origin(key), Some(Origin::Flag(_)));
    if is_flag("data_dir")
        && !is_flag(database)
        && let Some(set) = origin(database)
    {
        let why = format!(
            "{database} ({set}) names another store: leave out --data-dir, or unset the other, with --config if it is in a file"
        );
        layers.problem_at("data_dir", &why);
    }
}

fn issuers(layers: &mut Layers) -> Vec<IssuerConfig> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (rest, value) in layers.below(ISSUERS) {
        if let Some((name, field)) = split_issuer(&format!("{ISSUERS}{rest}")) {
            let table = tables.entry(name.to_owned()).or_default();
            table.insert(field.to_owned(), value.clone());
        }
    }
    let mut issuers = Vec::with_capacity(tables.len());
    for (name, table) in tables {
        match Value::Table(table).try_into::<IssuerConfig>() {
            Ok(mut issuer) => {
                issuer.name = name;
                issuers.push(issuer);
            }
            Err(error) => {
                let message = error.message();
                layers.problems.push(format!("{ISSUERS}{name}: {message}"));
            }
        }
    }
    issuers
}
