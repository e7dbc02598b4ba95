//! Error responses of authentication, of reading a request and of the vault. The attributes of the handlers name the
//! groups that apply.

use utoipa::IntoResponses;

use super::response::{Responses, refusals};

/// The responses of every operation with a credential.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        refusals([
            ("401", "Missing or invalid credentials", "Error"),
            ("403", "The credential lacks the right", "Error"),
            (
                "429",
                "Too many requests, or too many failed credentials",
                "Error",
            ),
            (
                "500",
                "A defect, or stored data that failed verification",
                "Error",
            ),
            (
                "503",
                "The database or the audit trail does not answer",
                "Error",
            ),
        ])
    }
}

/// The responses of reading a request, whether or not its body matters.
pub(crate) struct Reading;

impl IntoResponses for Reading {
    fn responses() -> Responses {
        refusals([
            (
                "400",
                "The body did not arrive whole, or cannot be read",
                "Error",
            ),
            ("408", "The body did not arrive in time", "Error"),
            (
                "413",
                "The body is larger than the limit, or a quota would be exceeded",
                "Error",
            ),
        ])
    }
}

/// The additional responses of reading a JSON body.
pub(crate) struct ReadingJson;

impl IntoResponses for ReadingJson {
    fn responses() -> Responses {
        let unsupported = "The operation does not accept this type of body";
        refusals([("415", unsupported, "Error")])
            .into_iter()
            .chain(Reading::responses())
            .chain(Invalid::responses())
            .collect()
    }
}

pub(crate) struct Invalid;

impl IntoResponses for Invalid {
    fn responses() -> Responses {
        refusals([("422", "Validation Error", "HTTPValidationError")])
    }
}

/// The object is unknown or not the caller's: both get the same response.
pub(crate) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        refusals([("404", "Not found", "Error")])
    }
}

pub(crate) struct PreconditionFailed;

impl IntoResponses for PreconditionFailed {
    fn responses() -> Responses {
        let failed = "No entity tag of `If-Match` is that of what is stored";
        refusals([("412", failed, "Error")])
    }
}

pub(crate) struct NotCompleted;

impl IntoResponses for NotCompleted {
    fn responses() -> Responses {
        refusals([("409", "The arguments cannot be completed", "Unresolved")])
    }
}

pub(crate) struct Decided;

impl IntoResponses for Decided {
    fn responses() -> Responses {
        let decided = "It was decided already, or its time is over";
        refusals([("409", decided, "Error")])
    }
}

/// The responses of signing in at a tool server.
pub(crate) struct NotConnected;

impl IntoResponses for NotConnected {
    fn responses() -> Responses {
        refusals([
            (
                "409",
                "The server takes no sign-in, or the sign-in is over",
                "Error",
            ),
            (
                "502",
                "The server or its authorization server does not do what is needed",
                "Error",
            ),
        ])
    }
}

/// The response of a server that is not ready.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> Responses {
        refusals([
            ("500", "A defect", "Error"),
            ("503", "The database does not answer", "Error"),
        ])
    }
}
