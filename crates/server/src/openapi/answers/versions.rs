//! Versions and the policy of a secret.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use std::collections::BTreeMap;

use utoipa::ToSchema;
use uuid::Uuid;

/// Whether a version is the one in use.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum VersionState {
    Current,
    Superseded,
}

#[derive(ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionInfo {
    #[schema(minimum = 1)]
    version: i64,
    #[schema(format = DateTime)]
    created_at: String,
    /// Who stored it
    created_by: String,
    state: VersionState,
}

#[derive(ToSchema)]
pub(crate) struct VersionList {
    data: Vec<VersionInfo>,
}

#[derive(ToSchema)]
pub(crate) struct Policy {
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required = true, minimum = 1)]
    rotate_after_days: Option<i64>,
    /// Companion arguments and the patterns of which each must match one, or be absent
    when: BTreeMap<String, Vec<String>>,
    protected: bool,
    redact: bool,
}

#[derive(ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the answer has as many")]
pub(crate) struct PolicyInfo {
    secret_id: Uuid,
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required = true, minimum = 1)]
    rotate_after_days: Option<i64>,
    /// Companion arguments and the patterns of which each must match one, or be absent
    when: BTreeMap<String, Vec<String>>,
    protected: bool,
    redact: bool,
    /// When the current value is due for rotation
    #[schema(required = true, format = DateTime)]
    rotation_due_at: Option<String>,
    is_due: bool,
    is_expired: bool,
}

#[derive(ToSchema)]
pub(crate) struct PolicyList {
    data: Vec<PolicyInfo>,
}
