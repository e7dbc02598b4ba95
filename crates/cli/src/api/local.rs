//! The audit trail, backups, the diagnosis of the store, the rotation of its keys, and reload.

use serde::Deserialize;
use serde_json::json;
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::audit::record::Record;
use toolvault_core::confidential::Key;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::{HeaderMap, Method};
use toolvault_server::control::ControlError;
use toolvault_server::{ReloadReport, Status};
use toolvault_vault::{
    Contents, Diagnosis, Evidence, Progress, Pruned, RotationBegun, RotationPortion,
    RotationPosition, Verification,
};

use super::transport;
use super::{Api, Body, refusal};
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::progress::ProgressLine;

/// The page size of the lists.
pub(crate) const PORTION: usize = 1_000;
/// The header that says what a backup contains.
const CONTENTS: &str = "toolvault-backup";

/// A link that signs a person in.
#[derive(Deserialize)]
pub(crate) struct SignInLink {
    pub(crate) token: String,
    /// Where the dashboard is, if a server answered.
    pub(crate) base_url: Option<String>,
}

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

    /// A checkpoint of the trail. Only for local commands.
    pub(crate) async fn checkpoint(&self) -> Result<Checkpoint, Failure> {
        let url = self.local_url(&["audit", "checkpoint"]);
        self.fetch(Method::GET, &url, Body::Nothing).await
    }

    /// Deletes the oldest pages of the trail. Only for local commands.
    pub(crate) async fn prune_audit(&self, before: Timestamp) -> Result<Pruned, Failure> {
        let url = self.local_url(&["audit", "prune"]);
        let body = Body::json(&serde_json::json!({ "before": before }));
        self.fetch(Method::POST, &url, body).await
    }

    /// How far the verification or the prune has come. Only for local commands.
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

    /// The server and its store at a glance. Only for local commands.
    pub(crate) async fn status(&self) -> Result<Status, Failure> {
        let url = self.local_url(&["status"]);
        self.fetch(Method::GET, &url, Body::Nothing).await
    }

    /// Makes a link that signs a person in as this user, once. Only for local commands.
    pub(crate) async fn sign_in_link(&self, user: UserId) -> Result<SignInLink, Failure> {
        let url = self.local_url(&["sign-in-link"]);
        let body = json!({ "user_id": user });
        self.fetch(Method::POST, &url, Body::json(&body)).await
    }

    /// Makes the server reload its configuration. Only for local commands to a running server.
    pub(crate) async fn reload(&self) -> Result<ReloadReport, Failure> {
        let url = self.local_url(&["reload"]);
        self.fetch(Method::POST, &url, Body::Nothing).await
    }

    /// Writes a backup to `file`, and returns what is in it. Only for local commands.
    pub(crate) async fn back_up(
        &self,
        file: &mut NewFile,
        progress: &mut ProgressLine<'_>,
    ) -> Result<Contents, Failure> {
        let url = self.local_url(&["backup"]);
        let answer = self
            .transport
            .open(Method::POST, &url, HeaderMap::new(), Vec::new());
        let mut answer = answer.await?;
        if !answer.status().is_success() {
            return Err(refusal::of(&transport::whole(answer).await?));
        }
        let contents = answer.headers().get(CONTENTS);
        let contents = contents.and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
        let contents = contents
            .ok_or_else(|| Failure::failed("the server is another version of Toolvault"))?;
        loop {
            let next = answer.next().await.map_err(ControlError::from);
            let Some(bytes) = next.map_err(|error| self.transport.broken(&error))? else {
                return Ok(contents);
            };
            file.write(&bytes)
                .map_err(|error| Failure::failed(format!("cannot write the backup: {error}")))?;
            progress.bytes(file.bytes());
        }
    }

    /// Wraps the keyring with another root key. Returns false if it is wrapped with it already. Only for local commands.
    pub(crate) async fn rotate_root_key(&self, root: &Key) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            rotated: bool,
        }
        let url = self.local_url(&["root-key"]);
        let body = Body::Octets(root.expose().to_vec());
        let answer: Answer = self.fetch(Method::POST, &url, body).await?;
        Ok(answer.rotated)
    }

    /// Whether this root key opens the store now; `None` if the server is too old to say. Only for local commands.
    pub(crate) async fn opens_with(&self, root: &Key) -> Result<Option<bool>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            opens: bool,
        }
        let url = self.local_url(&["root-key", "check"]);
        let body = Body::Octets(root.expose().to_vec());
        match self.fetch::<Answer>(Method::POST, &url, body).await {
            Ok(answer) => Ok(Some(answer.opens)),
            Err(failure) if failure.is_not_found => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Begins to give each user a new key, or goes on with a rotation that was stopped. Only for local commands.
    pub(crate) async fn begin_user_keys(&self) -> Result<RotationBegun, Failure> {
        let url = self.local_url(&["user-keys"]);
        self.fetch(Method::POST, &url, Body::Nothing).await
    }

    /// Does a portion of that rotation. Only for local commands.
    pub(crate) async fn continue_user_keys(
        &self,
        position: &RotationPosition,
    ) -> Result<RotationPortion, Failure> {
        let url = self.local_url(&["user-keys", "portion"]);
        self.fetch(Method::POST, &url, Body::json(position)).await
    }

    /// The diagnosis of the store. Only for local commands.
    pub(crate) async fn diagnose(&self) -> Result<Diagnosis, Failure> {
        let url = self.local_url(&["diagnosis"]);
        self.fetch(Method::GET, &url, Body::Nothing).await
    }
}
