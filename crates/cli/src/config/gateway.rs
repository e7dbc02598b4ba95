//! The settings of the gateway. [`server`] has those of each server.
//!
//! Values are never repeated in messages where a literal credential may be written by mistake.

mod header;
mod literals;
mod oauth;
mod server;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use toolvault_gateway::http::Url;
use toolvault_gateway::settings::Sandbox;
use toolvault_gateway::{GatewayLimits, GatewaySettings};

pub(crate) use self::header::is_reserved as is_reserved_header;
pub(super) use self::literals::warn_of_literals;
use super::computed::profiles_directory;
use super::first_keys::FirstKeysFile;
use super::keys::{self, Kind};
use super::layers::Layers;

/// The gateway's settings.
pub(super) fn settings(layers: &mut Layers) -> GatewaySettings {
    let names: Vec<_> = layers.servers.keys().cloned().collect();
    let servers = names
        .into_iter()
        .filter_map(|name| {
            let server = server::settings(layers, &name)?;
            Some((name, server))
        })
        .collect();
    GatewaySettings {
        servers,
        allow_broad_patterns: layers.boolean("gateway.allow_broad_patterns"),
        allowed_hosts: allowed_hosts(layers),
        public_url: public_url(layers),
        sandbox: layers.choice(
            "gateway.sandbox",
            &[
                ("auto", Sandbox::Auto),
                ("on", Sandbox::On),
                ("off", Sandbox::Off),
            ],
        ),
        concealed: concealed(layers),
        // Filled in from the environment, which is not a layer.
        inherited: Vec::new(),
        limits: limits(layers),
    }
}

fn limits(layers: &mut Layers) -> GatewayLimits {
    let mut seconds =
        |key: &str| Duration::from_secs(layers.integer(&format!("gateway.limits.{key}"), 1));
    let session_idle = seconds("session_idle_seconds");
    let process_idle = seconds("process_idle_seconds");
    let silence = seconds("silence_seconds");
    let approval_wait = seconds("approval_wait_seconds");
    let approval_timeout = seconds("approval_timeout_seconds");
    let mut number =
        |key: &str, least: i64| layers.integer(&format!("gateway.limits.{key}"), least);
    GatewayLimits {
        session_idle,
        sessions: number("sessions", 1),
        sessions_per_caller: number("sessions_per_caller", 1),
        process_idle,
        processes: number("processes", 1),
        processes_per_caller: number("processes_per_caller", 1),
        message_bytes: number("message_bytes", 1_024),
        silence,
        approval_wait,
        approval_timeout,
    }
}

fn allowed_hosts(layers: &mut Layers) -> Vec<String> {
    let hosts = layers.texts("gateway.allowed_hosts");
    let is_host = |host: &String| {
        Url::parse(&format!("https://{host}"))
            .is_ok_and(|url| url.as_str() == format!("https://{}/", host.to_ascii_lowercase()))
    };
    if !hosts.iter().all(is_host) {
        layers.problem_at(
            "gateway.allowed_hosts",
            "expected hosts, with a port where it is not 443, as in \"vault.example.com\"",
        );
    }
    hosts
}

fn public_url(layers: &mut Layers) -> Option<String> {
    let text = layers.text("gateway.public_url")?.0.to_owned();
    let is_base = Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !is_base {
        layers.problem_at(
            "gateway.public_url",
            "expected a URL without a query, as in \"https://vault.example.com\"",
        );
    }
    Some(text)
}

/// The absolute paths that the gateway's programs must not read.
fn concealed(layers: &Layers) -> Vec<PathBuf> {
    let mut paths = layers.files.clone();
    let files = layers.entries.iter();
    let files = files.filter(|(key, _)| keys::kind(key) == Some(Kind::SecretFile));
    paths.extend(files.filter_map(|(_, file)| file.value.as_str().map(PathBuf::from)));
    if let Some(data_dir) = layers.path("data_dir") {
        paths.push(data_dir);
    }
    if let Some(first_keys) = FirstKeysFile::of(layers) {
        paths.extend(first_keys.existing_and_next());
    }
    // The whole directory: a person may sign in while a program runs.
    paths.extend(profiles_directory());
    // A path cannot be made absolute if the working directory was deleted. Then it stays relative.
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    paths.into_iter().map(absolute).collect()
}
