//! Building blocks of responses and their headers.

use std::collections::BTreeMap;

use serde_json::Map;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Schema, SchemaType, Type};
use utoipa::openapi::{Content, RefOr, Response, ResponseBuilder};

/// Responses by status.
pub(super) type Responses = BTreeMap<String, RefOr<Response>>;

pub(super) fn named<const N: usize>(responses: [(&str, ResponseBuilder); N]) -> Responses {
    responses
        .into_iter()
        .map(|(status, response)| (status.to_owned(), response.build().into()))
        .collect()
}

/// Refusals as status, description and schema. Each only refers to its schema; `conventions` completes it. A whole
/// response for each status of each operation would take 8 MB whenever the routes are built.
pub(super) fn refusals<const N: usize>(refusals: [(&str, &str, &str); N]) -> Responses {
    refusals
        .into_iter()
        .map(|(status, description, schema)| {
            let mut refusal = Ref::from_schema_name(schema);
            refusal.description = description.into();
            (status.to_owned(), refusal.into())
        })
        .collect()
}

pub(super) fn successful(schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    ResponseBuilder::new()
        .description("Successful Response")
        .content("application/json", Content::new(Some(schema)))
}

pub(super) fn tagged(schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let description = "The entity tag, for `If-Match`; each change changes it";
    successful(schema).header("ETag", required(description))
}

pub(super) fn anything() -> Schema {
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .build(),
    )
}

/// A required header. utoipa's `Header` has no member for that.
fn required(description: &str) -> Header {
    let mut members = Map::new();
    members.insert("required".to_owned(), true.into());
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .extensions(Some(Extensions::from_iter(members)))
        .build()
}

pub(super) fn warning() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(
            "A warning about the stored secret; the header may occur several times",
        ))
        .build()
}
