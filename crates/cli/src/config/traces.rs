//! Where traces are sent to.

use std::path::PathBuf;

use toolvault_gateway::HttpPolicy;

use super::layers::Layers;
use super::ship::read_headers;

/// A collector of traces. It has no `Debug`: the URL may hold a credential.
#[derive(Clone)]
pub(crate) struct Tracing {
    pub(crate) url: String,
    pub(crate) headers_file: Option<PathBuf>,
    pub(crate) policy: HttpPolicy,
    /// How many percent of the traces that begin here are sent.
    pub(crate) percent: u8,
    /// Whether requests continue the trace that they name.
    pub(crate) continues: bool,
}

impl Tracing {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const URL: &str = "traces.url";
        const HEADERS: &str = "traces.headers_file";
        const PERCENT: &str = "traces.percent";
        let headers_file = layers.path(HEADERS);
        let percent: u8 = layers.integer(PERCENT, 1);
        let Some((url, _)) = layers.text(URL) else {
            if headers_file.is_some() {
                layers.problem_at(HEADERS, "set traces.url too");
            }
            return None;
        };
        let url = url.to_owned();
        let policy = HttpPolicy {
            allow_private_network: layers.boolean("traces.allow_private_network"),
            ca_file: layers.path("traces.ca_file"),
            ..HttpPolicy::default()
        };
        if let Err(error) = policy.check(&url) {
            layers.problem_at(URL, &error.to_string());
        }
        if percent > 100 {
            layers.problem_at(PERCENT, "expected a whole number from 1 to 100");
        }
        if let Err(why) = read_headers(headers_file.as_deref()) {
            layers.problem_at(HEADERS, &why);
        }
        Some(Self {
            url,
            headers_file,
            policy,
            percent,
            continues: layers.boolean("traces.continue"),
        })
    }
}
