//! Answers that operations share: what authentication, reading a request and the vault may refuse, and the
//! answers whose headers matter. A handler's attribute names the groups that apply to it.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Schema, Type};
use utoipa::openapi::{Content, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Why a request was refused.
#[derive(ToSchema)]
pub(crate) struct Error {
    detail: String,
}

#[derive(ToSchema)]
#[schema(as = HTTPValidationError)]
pub(crate) struct HttpValidationError {
    #[schema(required = false)]
    detail: Vec<ValidationError>,
}

#[derive(ToSchema)]
pub(crate) struct ValidationError {
    #[schema(schema_with = super::conventions::location)]
    loc: Vec<Value>,
    msg: String,
    #[schema(rename = "type")]
    kind: String,
    /// What the message was made from
    #[schema(required = false)]
    ctx: BTreeMap<String, Value>,
}

/// Why a tool's arguments cannot be completed.
#[derive(ToSchema)]
pub(crate) struct Unresolved {
    detail: Vec<UnresolvedArgument>,
}

/// What is wrong with one argument.
#[derive(ToSchema)]
pub(crate) struct UnresolvedArgument {
    /// `bindings`, `args` or `require`, and the argument
    loc: Vec<String>,
    msg: String,
    #[schema(rename = "type")]
    kind: UnresolvedType,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum UnresolvedType {
    SecretNotAvailable,
    SecretExpired,
    SecretMissing,
    SecretAmbiguous,
}

/// What every operation with a credential may answer.
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

/// What reading a request may end with, whether or not its body matters.
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

/// What reading a body as JSON may end with besides.
pub(crate) struct ReadingJson;

impl IntoResponses for ReadingJson {
    fn responses() -> Responses {
        let unsupported = refusal(
            "The body is of a type that the operation does not take",
            "Error",
        );
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

/// Unknown, or not the caller's: the answers are the same.
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
            refusal("No entity tag of `If-Match` is the secret's", "Error"),
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

/// A server that is not ready.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> Responses {
        let response = refusal("The server cannot do its work", "Error");
        named([
            ("500", refusal("A defect", "Error")),
            ("503", response.header("Retry-After", seconds())),
        ])
    }
}

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

/// The same, in the words of the original, which leaves the schema open.
pub(crate) struct PatchedSecret;

impl IntoResponses for PatchedSecret {
    fn responses() -> Responses {
        let response = tagged(anything());
        named([("200", response.header("toolvault-warning", warning()))])
    }
}

/// `{}`, in the words of the original.
pub(crate) struct Deleted;

impl IntoResponses for Deleted {
    fn responses() -> Responses {
        named([("200", successful(anything()))])
    }
}

fn named<const N: usize>(responses: [(&str, ResponseBuilder); N]) -> Responses {
    responses
        .into_iter()
        .map(|(status, response)| (status.to_owned(), response.build().into()))
        .collect()
}

fn refusal(description: &str, schema: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/json",
            Content::new(Some(Ref::from_schema_name(schema))),
        )
        .header("toolvault-error", required("The machine-readable code"))
}

fn successful(schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    ResponseBuilder::new()
        .description("Successful Response")
        .content("application/json", Content::new(Some(schema)))
}

fn tagged(schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let description = "Changes with every change of the secret; for `If-Match`";
    successful(schema).header("ETag", required(description))
}

fn anything() -> Schema {
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::AnyValue)
            .build(),
    )
}

/// A header that is always there. utoipa's `Header` has no member for that.
fn required(description: &str) -> Header {
    let mut members = Map::new();
    members.insert("required".to_owned(), true.into());
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .extensions(Some(Extensions::from_iter(members)))
        .build()
}

fn seconds() -> Header {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0));
    let mut header = required("Seconds to wait");
    header.schema = Some(schema.into());
    header
}

fn warning() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(
            "What to know about the secret as it is now; may be there several times",
        ))
        .build()
}
