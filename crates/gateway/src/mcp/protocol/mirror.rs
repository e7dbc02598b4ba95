//! `x-mcp-header`: arguments whose values a client repeats in headers (specification 2026-07-28, Streamable HTTP).

use std::collections::HashSet;
use std::rc::Rc;

use http::{HeaderMap, HeaderName};
use toolvault_core::json::{Array, Kind, LoneSurrogate, Object, Value};

use super::headers::{PARAMETER, encode_argument};

const ANNOTATION: &str = "x-mcp-header";
/// How often each byte of a schema may be read on average: nested objects are read once at each level.
const READINGS: usize = 64;
/// Bytes that are allowed beside that, for small schemas.
const ALLOWANCE: usize = 16 << 10;

/// The annotated arguments of one tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirroredArguments(Vec<(Vec<String>, HeaderName)>);

/// Why the annotations of a schema cannot be used. A client over HTTP must not list such a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    /// An annotation is not a token, is not unique, stands elsewhere than at an argument, or the argument may be
    /// something that no header can carry.
    #[error("an x-mcp-header of the schema is invalid")]
    Invalid,
    /// The schema takes too long to read.
    #[error("the schema is too large or nested too deep")]
    TooLarge,
}

impl From<LoneSurrogate> for AnnotationError {
    fn from(_: LoneSurrogate) -> Self {
        Self::Invalid
    }
}

impl MirroredArguments {
    /// Reads the annotations of an `inputSchema`.
    pub fn read(schema: Value<'_>) -> Result<Self, AnnotationError> {
        let text = schema.raw();
        if !text.contains(ANNOTATION) && !text.contains("\\u") {
            return Ok(Self::default());
        }
        let mut reader = Reader {
            left: text.len() * READINGS + ALLOWANCE,
            open: vec![(schema, Place::Root)],
            names: HashSet::new(),
            found: Vec::new(),
        };
        while let Some((schema, place)) = reader.open.pop() {
            if let Some(object) = schema.as_object() {
                reader.spend(schema.raw().len())?;
                reader.annotation(object, &place)?;
                reader.descend(object, &place)?;
            }
        }
        Ok(Self(reader.found))
    }

    /// The names of the members that lead to each annotated argument, with its header.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], &HeaderName)> {
        self.0
            .iter()
            .map(|(path, header)| (path.as_slice(), header))
    }

    /// Whether no argument is annotated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the header of each annotated argument that a call has.
    pub fn set_headers(&self, arguments: Object<'_>, headers: &mut HeaderMap) {
        for (path, header) in &self.0 {
            let mut names = path.iter();
            let first = names.next().and_then(|name| arguments.get(name));
            let value = names.try_fold(first, |value, name| {
                value.map(|value| value.as_object()?.get(name))
            });
            if let Some(value) = value.flatten().and_then(encode_argument) {
                headers.insert(header.clone(), value);
            }
        }
    }
}

/// Where a schema stands.
#[derive(Clone)]
enum Place {
    Root,
    /// It describes this argument: only `properties` lead to it.
    Argument(Rc<Argument>),
    /// No annotation may stand here.
    Elsewhere,
}

/// An argument, as a path from the innermost name outwards. Paths share their outer part: a hostile schema can have
/// many long ones.
struct Argument {
    name: String,
    outer: Option<Rc<Self>>,
}

impl Argument {
    fn path(&self) -> Vec<String> {
        let outward = std::iter::successors(Some(self), |argument| argument.outer.as_deref());
        let mut path: Vec<_> = outward.map(|argument| argument.name.clone()).collect();
        path.reverse();
        path
    }
}

impl Place {
    /// The place of a property of a schema that stands here.
    fn property(&self, name: &str) -> Self {
        let outer = match self {
            Self::Root => None,
            Self::Argument(outer) => Some(Rc::clone(outer)),
            Self::Elsewhere => return Self::Elsewhere,
        };
        let name = name.to_owned();
        Self::Argument(Rc::new(Argument { name, outer }))
    }
}

struct Reader<'a> {
    left: usize,
    open: Vec<(Value<'a>, Place)>,
    names: HashSet<HeaderName>,
    found: Vec<(Vec<String>, HeaderName)>,
}

impl<'a> Reader<'a> {
    fn spend(&mut self, bytes: usize) -> Result<(), AnnotationError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(AnnotationError::TooLarge)?;
        Ok(())
    }

    fn annotation(&mut self, schema: Object<'_>, place: &Place) -> Result<(), AnnotationError> {
        let Some(annotation) = schema.get(ANNOTATION) else {
            return Ok(());
        };
        let header = header(annotation).filter(|_| is_primitive(schema));
        let header = header.ok_or(AnnotationError::Invalid)?;
        let Place::Argument(argument) = place else {
            return Err(AnnotationError::Invalid);
        };
        if !self.names.insert(header.clone()) {
            return Err(AnnotationError::Invalid);
        }
        let path = argument.path();
        self.spend(path.len() * size_of::<String>())?;
        self.found.push((path, header));
        Ok(())
    }

    fn descend(&mut self, schema: Object<'a>, place: &Place) -> Result<(), AnnotationError> {
        for member in schema.members()? {
            let value = member.value;
            match &*member.name {
                "properties" => {
                    let properties = value.as_object().map(Object::members).transpose()?;
                    self.spend(value.raw().len())?;
                    for property in properties.into_iter().flatten() {
                        let place = place.property(&property.name);
                        self.open.push((property.value, place));
                    }
                }
                "patternProperties" | "dependentSchemas" | "dependencies" | "$defs"
                | "definitions" => {
                    let schemas = value.as_object().map(Object::members).transpose()?;
                    self.spend(value.raw().len())?;
                    let schemas = schemas.into_iter().flatten();
                    self.open
                        .extend(schemas.map(|schema| (schema.value, Place::Elsewhere)));
                }
                "allOf" | "anyOf" | "oneOf" | "prefixItems" | "items"
                    if value.kind() == Kind::Array =>
                {
                    self.spend(value.raw().len())?;
                    let schemas = value.as_array().into_iter().flat_map(Array::elements);
                    self.open
                        .extend(schemas.map(|schema| (schema, Place::Elsewhere)));
                }
                "not"
                | "if"
                | "then"
                | "else"
                | "items"
                | "contains"
                | "additionalItems"
                | "unevaluatedItems"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames"
                | "contentSchema" => self.open.push((value, Place::Elsewhere)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// `Mcp-Param-<name>`, if the annotation is a token (RFC 9110, section 5.6.2).
fn header(annotation: Value<'_>) -> Option<HeaderName> {
    let name = annotation.as_text()?.ok()?;
    let header = format!("{PARAMETER}{}", name.as_str());
    (!name.is_empty()).then(|| header.try_into().ok()).flatten()
}

/// Whether no `type` says that the value may be a number with a fraction, a list or an object.
fn is_primitive(schema: Object<'_>) -> bool {
    let Some(types) = schema.get("type") else {
        return true;
    };
    let types: Vec<_> = match types.as_array() {
        Some(types) => types.elements().collect(),
        None => vec![types],
    };
    types.into_iter().all(|kind| {
        let kind = kind.as_text().and_then(Result::ok);
        kind.is_some_and(|kind| matches!(kind.as_str(), "string" | "integer" | "boolean" | "null"))
    })
}

#[cfg(test)]
mod tests {
    use toolvault_core::json::parse_text;

    use super::*;

    fn read(schema: &str) -> Result<MirroredArguments, AnnotationError> {
        MirroredArguments::read(parse_text(schema).unwrap())
    }

    #[test]
    fn annotated_arguments_are_sent_as_headers_at_every_depth() {
        let mirrored = read(
            r#"{"properties":{"region":{"type":"string","x-mcp-header":"Region"},"query":{"type":"string"},
            "where":{"properties":{"limit":{"type":"integer","x-mcp-header":"Limit"},
            "dry":{"type":"boolean","x-mcp-header":"Dry"}}},"none":{"x-mcp-header":"None"}}}"#,
        )
        .unwrap();
        let arguments =
            r#"{"region":"\u4e16","query":"x","where":{"limit":7.0,"dry":true},"none":null}"#;
        let arguments = parse_text(arguments).unwrap().as_object().unwrap();
        let mut headers = HeaderMap::new();
        mirrored.set_headers(arguments, &mut headers);
        assert_eq!(headers["mcp-param-region"], "=?base64?5LiW?=");
        assert_eq!(headers["mcp-param-limit"], "7");
        assert_eq!(headers["mcp-param-dry"], "true");
        assert_eq!(headers.len(), 3);
        let mut paths: Vec<_> = mirrored.iter().map(|(path, _)| path.join("/")).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["none", "region", "where/dry", "where/limit"]);
    }

    #[test]
    fn a_schema_that_cannot_be_read_in_time_is_refused() {
        let mut schema = format!(r#"{{"title":"x-mcp-header {}"}}"#, "y".repeat(100_000));
        for _ in 0..200 {
            schema = format!(r#"{{"properties":{{"x":{schema}}}}}"#);
        }
        assert_eq!(read(&schema), Err(AnnotationError::TooLarge));
    }
}
