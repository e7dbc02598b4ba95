//! Successful responses with headers, or in the wording of the original. The others are declared at their handlers.

use utoipa::IntoResponses;
use utoipa::openapi::schema::Ref;

use super::response::{Responses, anything, named, successful, tagged, warning};

/// A secret, with its entity tag.
pub(crate) struct OneSecret;

impl IntoResponses for OneSecret {
    fn responses() -> Responses {
        named([("200", tagged(Ref::from_schema_name("SecretInfo")))])
    }
}

/// A secret after a change, with its entity tag and warnings.
pub(crate) struct ChangedSecret;

impl IntoResponses for ChangedSecret {
    fn responses() -> Responses {
        let response = tagged(Ref::from_schema_name("SecretInfo"));
        named([("200", response.header("toolvault-warning", warning()))])
    }
}

/// The same in the wording of the original, which leaves the schema open.
pub(crate) struct PatchedSecret;

impl IntoResponses for PatchedSecret {
    fn responses() -> Responses {
        let response = tagged(anything());
        named([("200", response.header("toolvault-warning", warning()))])
    }
}

/// A policy, with its entity tag.
pub(crate) struct OnePolicy;

impl IntoResponses for OnePolicy {
    fn responses() -> Responses {
        named([("200", tagged(Ref::from_schema_name("Policy")))])
    }
}

/// `{}`, in the wording of the original.
pub(crate) struct Deleted;

impl IntoResponses for Deleted {
    fn responses() -> Responses {
        named([("200", successful(anything()))])
    }
}
