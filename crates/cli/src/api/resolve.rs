//! The arguments of a tool, completed with secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use toolvault_gateway::http::Method;

use super::{Api, Body};
use crate::failure::Failure;

/// What to complete.
#[derive(Serialize)]
pub(crate) struct Wanted<'a> {
    /// References, by argument.
    pub(crate) bindings: &'a BTreeMap<String, String>,
    /// The only arguments to complete; all for which there is a default if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepts: Option<Vec<&'a str>>,
}

#[derive(Deserialize)]
pub(crate) struct Completed {
    /// The values, by argument.
    pub(crate) args: BTreeMap<String, Value>,
    pub(crate) applied: Vec<Applied>,
}

/// A secret that was applied.
#[derive(Deserialize)]
pub(crate) struct Applied {
    pub(crate) arg: String,
    pub(crate) secret_name: String,
    /// Whether its value is confidential.
    pub(crate) redact: bool,
}

/// Resolves a call of `tool` without arguments.
pub(crate) async fn resolve(
    api: &Api<'_>,
    tool: &str,
    wanted: &Wanted<'_>,
) -> Result<Completed, Failure> {
    let url = api.url(&["tools", tool, "resolve"]);
    api.fetch(Method::POST, &url, Body::json(wanted)).await
}
