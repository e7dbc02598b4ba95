//! What resolving and the gateway would do for a tool, and why.

use serde::{Deserialize, Serialize};
use toolvault_gateway::http::Method;

use super::{Api, Body};
use crate::failure::Failure;

#[derive(Serialize, Deserialize)]
pub(crate) struct Explanation {
    pub(crate) tool_name: String,
    pub(crate) would_succeed: bool,
    pub(crate) arguments: Vec<Explained>,
    pub(crate) gateway: Option<Gateway>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) server: String,
    pub(crate) would_succeed: bool,
    #[serde(default)]
    pub(crate) needs_sign_in: bool,
    pub(crate) schema_known: bool,
    pub(crate) arguments: Vec<Explained>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Explained {
    pub(crate) arg: String,
    pub(crate) outcome: String,
    winner: Option<String>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) near: Vec<Near>,
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

#[derive(Serialize, Deserialize)]
pub(crate) struct Near {
    pub(crate) secret_id: String,
    pub(crate) secret_name: String,
    pub(crate) why: String,
}

impl Explained {
    /// The secret that would be applied.
    pub(crate) fn winner(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.wins)
    }

    /// Whether the call is refused because of it.
    pub(crate) fn is_error(&self) -> bool {
        self.outcome.starts_with("secret_")
    }
}

/// What a call of a tool without arguments would get.
pub(crate) async fn ask(api: &Api<'_>, tool: &str) -> Result<Explanation, Failure> {
    let url = api.url(&["tools", tool, "explain"]);
    api.fetch(Method::POST, &url, Body::Json(b"{}".to_vec()))
        .await
}
