//! Calls that wait for a person, and what a person allowed: list, show, decide and delete.

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::{Method, Url};

use super::{Api, Body};
use crate::failure::Failure;

/// The page size of the list, which is the longest.
const PORTION: usize = 100;

/// A call of a tool that a person decides, or has decided.
#[derive(Serialize, Deserialize)]
pub(crate) struct Approval {
    #[serde(rename = "approval_id")]
    pub(crate) id: String,
    pub(crate) server: String,
    pub(crate) tool: String,
    pub(crate) title: Option<String>,
    /// As they were sent: parsing them could change a number.
    pub(crate) arguments: Box<RawValue>,
    pub(crate) requested_by: String,
    pub(crate) key_id: Option<String>,
    pub(crate) requester: String,
    /// The secret whose policy asks; `None` if the configuration of the gateway does.
    pub(crate) secret_name: Option<String>,
    pub(crate) need: String,
    pub(crate) state: String,
    pub(crate) decision: Option<String>,
    pub(crate) requested_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) decided_at: Option<Timestamp>,
    pub(crate) decided_by: Option<String>,
}

/// What a person decides.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    /// This call.
    Once,
    /// Each call of the tool by this key, for an hour.
    Hour,
    /// Each call of the tool by this key with these arguments.
    Always,
    /// No call.
    Refuse,
}

impl Api<'_> {
    /// The calls that wait, and the approvals that hold; newest first.
    pub(crate) async fn list_approvals(&self) -> Result<Vec<Approval>, Failure> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Approval>,
            total: usize,
        }
        let mut approvals = Vec::new();
        loop {
            let mut url = self.url(&["approvals"]);
            url.query_pairs_mut()
                .append_pair("limit", &PORTION.to_string())
                .append_pair("offset", &approvals.len().to_string());
            let page: Page = self.fetch(Method::GET, &url, Body::Nothing).await?;
            let is_last = page.data.len() < PORTION;
            approvals.extend(page.data);
            if is_last || approvals.len() >= page.total {
                return Ok(approvals);
            }
        }
    }

    /// One of them.
    pub(crate) async fn get_approval(&self, id: &str) -> Result<Approval, Failure> {
        let url = self.approval_url(id);
        let found = self.fetch(Method::GET, &url, Body::Nothing).await;
        found.map_err(|failure| no_such_approval(id, failure))
    }

    /// Decides a call that waits.
    pub(crate) async fn decide_approval(
        &self,
        id: &str,
        decision: Decision,
    ) -> Result<Approval, Failure> {
        let body = Body::json(&json!({ "decision": decision }));
        let decided = self.fetch(Method::POST, &self.approval_url(id), body).await;
        decided.map_err(|failure| no_such_approval(id, failure))
    }

    /// Revokes an approval that holds, or withdraws a call that waits.
    pub(crate) async fn delete_approval(&self, id: &str) -> Result<(), Failure> {
        let url = self.approval_url(id);
        let deleted = self.send(Method::DELETE, &url, Body::Nothing).await;
        deleted.map_err(|failure| no_such_approval(id, failure))?;
        Ok(())
    }

    fn approval_url(&self, id: &str) -> Url {
        self.url(&["approvals", id])
    }
}

fn no_such_approval(id: &str, failure: Failure) -> Failure {
    if failure.is_not_found {
        Failure::refused(format!("there is no approval '{id}'"))
            .hint("toolvault approval list shows what waits, and what is allowed")
    } else {
        failure
    }
}
