//! Error responses of authentication, of reading a request and of the vault. The attributes of the handlers name the
//! groups that apply.

use utoipa::IntoResponses;

use super::response::{Responses, named, refusal, required, seconds};

/// The responses of every operation with a credential.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        let unauthenticated = refusal("Missing or invalid credentials", "Error")
            .header("WWW-Authenticate", required("The scheme to use"));
        let too_many = refusal("Too many requests, or too many failed credentials", "Error")
            .header("Retry-After", seconds());
        let unavailable = refusal("The database or the audit trail does not answer", "Error")
            .header("Retry-After", seconds());
        named([
            ("401", unauthenticated),
            ("403", refusal("The credential lacks the right", "Error")),
            ("429", too_many),
            (
                "500",
                refusal("A defect, or stored data that failed verification", "Error"),
            ),
            ("503", unavailable),
        ])
    }
}

/// The responses of reading a request, whether or not its body matters.
pub(crate) struct Reading;

impl IntoResponses for Reading {
    fn responses() -> Responses {
        named([
            (
                "400",
                refusal("The body did not arrive whole, or cannot be read", "Error"),
            ),
            ("408", refusal("The body did not arrive in time", "Error")),
            (
                "413",
                refusal(
                    "The body is larger than the limit, or a quota would be exceeded",
                    "Error",
                ),
            ),
        ])
    }
}

/// The additional responses of reading a JSON body.
pub(crate) struct ReadingJson;

impl IntoResponses for ReadingJson {
    fn responses() -> Responses {
        let unsupported = refusal("The operation does not accept this type of body", "Error");
        named([("415", unsupported)])
            .into_iter()
            .chain(Reading::responses())
            .chain(Invalid::responses())
            .collect()
    }
}

pub(crate) struct Invalid;

impl IntoResponses for Invalid {
    fn responses() -> Responses {
        named([("422", refusal("Validation Error", "HTTPValidationError"))])
    }
}

/// The object is unknown or not the caller's: both get the same response.
pub(crate) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        named([("404", refusal("Not found", "Error"))])
    }
}

pub(crate) struct PreconditionFailed;

impl IntoResponses for PreconditionFailed {
    fn responses() -> Responses {
        named([(
            "412",
            refusal(
                "No entity tag of `If-Match` is that of what is stored",
                "Error",
            ),
        )])
    }
}

pub(crate) struct NotCompleted;

impl IntoResponses for NotCompleted {
    fn responses() -> Responses {
        named([(
            "409",
            refusal("The arguments cannot be completed", "Unresolved"),
        )])
    }
}

pub(crate) struct Decided;

impl IntoResponses for Decided {
    fn responses() -> Responses {
        named([(
            "409",
            refusal("It was decided already, or its time is over", "Error"),
        )])
    }
}

/// The responses of signing in at a tool server.
pub(crate) struct NotConnected;

impl IntoResponses for NotConnected {
    fn responses() -> Responses {
        named([
            (
                "409",
                refusal(
                    "The server takes no sign-in, or the sign-in is over",
                    "Error",
                ),
            ),
            (
                "502",
                refusal(
                    "The server or its authorization server does not do what is needed",
                    "Error",
                ),
            ),
        ])
    }
}

/// The response of a server that is not ready.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> Responses {
        let response = refusal("The database does not answer", "Error");
        named([
            ("500", refusal("A defect", "Error")),
            ("503", response.header("Retry-After", seconds())),
        ])
    }
}
