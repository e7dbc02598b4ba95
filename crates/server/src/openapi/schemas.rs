//! Schemas that derive macros cannot express.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};

/// The location of a problem: member names and element indexes.
pub(crate) fn location() -> Schema {
    let part = AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::String))
        .item(ObjectBuilder::new().schema_type(Type::Integer));
    Schema::Array(
        ArrayBuilder::new()
            .items(RefOr::T(Schema::from(part)))
            .build(),
    )
}

/// Tool patterns, or null.
pub(super) fn tool_patterns() -> Schema {
    Schema::Array(
        names("Tool patterns that limit the key; empty for no limit")
            .max_items(Some(100))
            .build(),
    )
}

/// Scopes of an authorization server, or null.
pub(super) fn server_scopes() -> Schema {
    let described = names("The scopes to ask for; those that the server asks for if not given");
    Schema::Array(described.max_items(Some(100)).build())
}

/// Companion arguments with the patterns, one of which each must match, or null.
pub(super) fn conditions() -> Schema {
    let patterns = ArrayBuilder::new()
        .items(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(1024)),
        )
        .min_items(Some(1))
        .max_items(Some(32));
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
            .description(Some(
                "Companion arguments and the patterns that each must match",
            ))
            .property_names(Some(Schema::from(name())))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(
                patterns,
            )))))
            .build(),
    )
}

/// Names of arguments that defaults may complete, or null.
pub(super) fn accepted_arguments() -> Schema {
    let description = "The arguments that defaults may complete; all if not given";
    Schema::Array(names(description).build())
}

/// Names of arguments that must not be missing, or null.
pub(super) fn required_arguments() -> Schema {
    let description = "The arguments that the call requires";
    Schema::Array(names(description).build())
}

/// References by argument, or null.
pub(super) fn references() -> Schema {
    let reference = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^secret://.+"));
    ObjectBuilder::new()
        .schema_type(or_null(Type::Object))
        .description(Some(
            "For arguments, the references that trusted configuration sets: `secret://<secret_name>` or \
             `secret:///id/<secret_id>`",
        ))
        .property_names(Some(Schema::from(name())))
        .additional_properties(Some(AdditionalProperties::from(reference)))
        .into()
}

/// The name of an argument, or a pointer.
fn name() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(1024))
}

fn names(description: &str) -> ArrayBuilder {
    ArrayBuilder::new()
        .schema_type(or_null(Type::Array))
        .items(RefOr::T(Schema::from(name())))
        .description(Some(description))
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::Array(vec![kind, Type::Null])
}
