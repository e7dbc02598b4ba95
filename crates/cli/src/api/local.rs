//! The audit trail, the diagnosis of the store, and reload.

use serde::Deserialize;
use toolvault_core::audit::record::Record;
use toolvault_gateway::http::Method;
use toolvault_server::ReloadReport;
use toolvault_vault::{Diagnosis, Evidence, Progress, Verification};

use super::{Api, Body};
use crate::failure::Failure;

/// The page size of the lists.
pub(crate) const PORTION: usize = 1_000;

/// A part of the audit trail.
#[derive(Deserialize)]
pub(crate) struct RecordPage {
    /// Newest first.
    pub(crate) data: Vec<Record>,
    /// Where the next page begins; `None` at the end.
    pub(crate) next_cursor: Option<String>,
}

impl Api<'_> {
    /// Verifies the whole trail, and every row of the store against it. Only for local commands.
    pub(crate) async fn verify_audit(&self, evidence: &Evidence) -> Result<Verification, Failure> {
        let url = self.local_url(&["audit", "verify"]);
        self.fetch(Method::POST, &url, Body::json(evidence)).await
    }

    /// How far the verification has come. Only for local commands.
    pub(crate) async fn audit_progress(&self) -> Result<Progress, Failure> {
        let url = self.local_url(&["audit", "progress"]);
        self.fetch(Method::GET, &url, Body::Nothing).await
    }

    /// The newest records that the filter keeps, oldest first.
    pub(crate) async fn newest_records(
        &self,
        filter: &[(&str, String)],
        count: usize,
    ) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        let mut cursor = None;
        while records.len() < count {
            let limit = (count - records.len()).min(PORTION);
            let page = self.records(filter, limit, cursor).await?;
            records.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        records.reverse();
        Ok(records)
    }

    /// Records that the filter keeps, newest first: at most `limit` from the cursor on.
    pub(crate) async fn records(
        &self,
        filter: &[(&str, String)],
        limit: usize,
        cursor: Option<String>,
    ) -> Result<RecordPage, Failure> {
        let mut url = self.url(&["audit"]);
        url.query_pairs_mut()
            .append_pair("limit", &limit.to_string())
            .extend_pairs(filter)
            .extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
        self.fetch(Method::GET, &url, Body::Nothing).await
    }

    /// Makes the server reload its configuration. Only for local commands to a running server.
    pub(crate) async fn reload(&self) -> Result<ReloadReport, Failure> {
        let url = self.local_url(&["reload"]);
        self.fetch(Method::POST, &url, Body::Nothing).await
    }

    /// The diagnosis of the store. Only for local commands.
    pub(crate) async fn diagnose(&self) -> Result<Diagnosis, Failure> {
        let url = self.local_url(&["diagnosis"]);
        self.fetch(Method::GET, &url, Body::Nothing).await
    }
}
