//! Explains what resolving would do for a tool, and why.

use serde::{Deserialize, Serialize};
use toolvault_gateway::http::Method;

use super::{Api, Body};
use crate::failure::Failure;

#[derive(Serialize, Deserialize)]
pub(crate) struct Explanation {
    pub(crate) tool_name: String,
    pub(crate) would_succeed: bool,
    pub(crate) arguments: Vec<Explained>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Explained {
    pub(crate) arg: String,
    pub(crate) outcome: String,
    winner: Option<String>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) tied: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Candidate {
    pub(crate) secret_id: String,
    pub(crate) secret_name: String,
    pub(crate) pattern: Option<String>,
    pub(crate) wins: bool,
    pub(crate) why: String,
}

/// Explains a call of `tool` without arguments.
pub(crate) async fn ask(api: &Api<'_>, tool: &str) -> Result<Explanation, Failure> {
    let url = api.url(&["tools", tool, "explain"]);
    api.fetch(Method::POST, &url, Body::Json(b"{}".to_vec()))
        .await
}
