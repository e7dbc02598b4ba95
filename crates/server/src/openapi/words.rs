//! Strings with a fixed set of values, taken from the lists in the code.

use toolvault_core::audit::record;
use toolvault_core::{policy, scope};
use toolvault_vault as vault;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident = $words:expr;)+) => {$(
        $(#[doc = $doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let description: [&str; _] = [$($doc.trim()),*];
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(description.first().copied())
                    .enum_values(Some($words))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

words! {
    Action = record::Action::ALL.iter().map(|action| action.name());

    /// A right of a key. No scope implies another.
    Scope = scope::Scope::ALL.map(scope::Scope::as_str);

    /// Whether a version is the current one.
    VersionState = ["current", "superseded"];

    /// How a server of the gateway is reached.
    Transport = ["http", "stdio"];

    /// Whether a server of the gateway lists its tools; `unknown` if it was not asked.
    GatewayState = ["ok", "failing", "needs_sign_in", "unknown"];

    /// Whether the user is signed in at a server.
    ConnectionState = ["connected", "needs_sign_in", "not_connected"];

    /// What a call needs of a person.
    Need = [policy::Need::First, policy::Need::Each].map(policy::Need::as_str);

    /// The state of a call that a person must allow.
    StateOfApproval = vault::ApprovalState::NAMES;

    /// What a person decides about a call.
    PersonsDecision = vault::ApprovalDecision::ALL.map(vault::ApprovalDecision::as_str);

    /// When a person must allow a call that gets the secret.
    PolicyApproval = policy::Approval::ALL.map(policy::Approval::as_str);

    /// What an argument would get, or the type of its error.
    Outcome = [
        "received",
        "default",
        "binding",
        "none",
        "secret_not_available",
        "secret_expired",
        "secret_missing",
        "secret_ambiguous",
        "approval_needed",
    ];

    UnresolvedType = [
        "secret_not_available",
        "secret_expired",
        "secret_missing",
        "secret_ambiguous",
        "approval_needed",
    ];
}
