//! What a keyword of JSON Schema says about the arguments, over all drafts.

/// How a keyword bears on the object that holds the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// Schemas by the name of the argument.
    Properties,
    /// A list of names of arguments.
    Required,
    /// By the name of an argument, what holds when it is there: names or a schema.
    Dependents,
    /// Schemas for the same object, in a list.
    Branches,
    /// A schema that must not hold.
    Not,
    /// A schema on which others depend.
    If,
    /// A schema that holds after `if`.
    Outcome,
    /// Where a schema for the same object stands.
    Reference,
    /// It changes what references mean, or says so only when the schema is used.
    Unfollowable,
    /// A schema for the names of the arguments.
    PropertyNames,
    /// Schemas by a pattern for names.
    Patterns,
    /// A schema for the arguments that are named nowhere else.
    Others,
    /// How many arguments there may be.
    Count,
    /// Whole sets of arguments: one that must be given.
    Instance,
    /// Whole sets of arguments: several, of which one must be given.
    Instances,
    /// A set of arguments that is only shown.
    Shown,
    /// Sets of arguments that are only shown.
    ManyShown,
    /// Which argument tells branches apart.
    Discriminator,
    /// Schemas that apply only where they are referred to.
    Definitions,
    /// Something else than names of arguments.
    Other,
    /// Nobody knows.
    Unknown,
}

/// The keyword of that name.
pub(super) fn keyword(name: &str) -> Keyword {
    match name {
        "properties" => Keyword::Properties,
        "required" => Keyword::Required,
        "dependentRequired" | "dependentSchemas" | "dependencies" => Keyword::Dependents,
        "allOf" | "anyOf" | "oneOf" => Keyword::Branches,
        "not" => Keyword::Not,
        "if" => Keyword::If,
        "then" | "else" => Keyword::Outcome,
        "$ref" => Keyword::Reference,
        "$id" | "$dynamicRef" | "$recursiveRef" | "$dynamicAnchor" | "$recursiveAnchor"
        | "extends" => Keyword::Unfollowable,
        "propertyNames" => Keyword::PropertyNames,
        "patternProperties" => Keyword::Patterns,
        "additionalProperties" | "unevaluatedProperties" => Keyword::Others,
        "minProperties" | "maxProperties" => Keyword::Count,
        "const" => Keyword::Instance,
        "enum" => Keyword::Instances,
        "default" | "example" => Keyword::Shown,
        "examples" => Keyword::ManyShown,
        "discriminator" => Keyword::Discriminator,
        "$defs" | "definitions" => Keyword::Definitions,
        "$schema" | "$vocabulary" | "$anchor" | "$comment" | "id" | "title" | "description"
        | "type" | "format" | "deprecated" | "readOnly" | "writeOnly" | "nullable"
        | "x-mcp-header" | "items" | "additionalItems" | "unevaluatedItems" | "prefixItems"
        | "contains" | "minContains" | "maxContains" | "minItems" | "maxItems" | "uniqueItems"
        | "minLength" | "maxLength" | "pattern" | "minimum" | "maximum" | "exclusiveMinimum"
        | "exclusiveMaximum" | "multipleOf" | "contentEncoding" | "contentMediaType"
        | "contentSchema" => Keyword::Other,
        _ => Keyword::Unknown,
    }
}
