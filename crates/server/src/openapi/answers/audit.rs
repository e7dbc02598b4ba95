//! Records of the audit trail.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use toolvault_core::audit::record;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// An action of the audit trail.
pub(crate) struct Action;

impl PartialSchema for Action {
    fn schema() -> RefOr<Schema> {
        let names = record::Action::ALL.iter().map(|action| action.name());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for Action {}

/// Whether it was done.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Decision {
    Allowed,
    Denied,
}

/// One record of the trail. What does not apply is absent.
#[derive(ToSchema)]
pub(crate) struct Record {
    /// Position in the trail, without gaps
    #[schema(minimum = 1)]
    sequence: i64,
    #[schema(format = DateTime)]
    at: String,
    /// `key:<key_id>`, `jwt:<iss> <sub>`, `local:<uid>` or `anonymous`
    actor: String,
    /// Whose trail it belongs to
    #[schema(required = true)]
    user_id: Option<Uuid>,
    action: Action,
    #[schema(required = false)]
    secret_id: Uuid,
    /// The secret's name at that moment
    #[schema(required = false)]
    secret_name: String,
    #[schema(required = false)]
    version: i64,
    /// The key or user concerned, where it is not the actor
    #[schema(required = false)]
    subject: String,
    /// The tool's name, or the pattern of a binding
    #[schema(required = false)]
    tool: String,
    #[schema(required = false)]
    argument: String,
    /// What a tool was called with: each argument's name, `:` and the kind of its value
    #[schema(required = false)]
    arguments: Vec<String>,
    /// The hidden arguments for which a value was received and dropped
    #[schema(required = false)]
    dropped: Vec<String>,
    /// How long a tool's call took
    #[schema(required = false)]
    duration_ms: i64,
    decision: Decision,
    /// Why it was refused, or what of it changed
    #[schema(required = false)]
    reason: String,
    #[schema(required = false)]
    request_id: String,
    /// The network address of an unknown caller
    #[schema(required = false)]
    source: String,
    /// How many equal events the record stands for, if more than one
    #[schema(required = false)]
    count: i64,
    /// Hash of the row after the change
    #[schema(required = false)]
    state: String,
}

#[derive(ToSchema)]
pub(crate) struct AuditPage {
    /// Newest first
    data: Vec<Record>,
    /// Where to go on; null at the end
    #[schema(required = true)]
    next_cursor: Option<String>,
}
