//! From header and bytes to a JSON object, or to the status of a refusal (contract, section 2).

use toolvault_core::json::{self, Object};

use super::error::{Problem, ValidationErrors};

/// The body of a request: parsed as JSON, but not checked for a particular operation.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    /// There was no body, or it was empty.
    Absent,
    /// JSON other than an object, including `null`: every field counts as missing, even optional ones.
    NotAnObject,
    /// A JSON object.
    Object {
        object: Object<'a>,
        is_merge_patch: bool,
    },
}

/// Why a body was refused before its fields were read.
#[derive(Debug, PartialEq)]
pub(crate) enum BodyError {
    /// 415: it is not empty and its type is not JSON.
    UnsupportedMediaType,
    /// 400 "There was an error parsing the body": not UTF-8, too deep, or an absurdly long number.
    Unreadable,
    /// 422: not JSON. This error stands alone, whatever else is wrong with the request.
    Invalid(ValidationErrors),
}

impl<'a> Body<'a> {
    pub(crate) fn read(content_type: Option<&str>, body: &'a [u8]) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Ok(Self::Absent);
        }
        let media_type = MediaType::of(content_type).ok_or(BodyError::UnsupportedMediaType)?;
        let value = json::parse(body).map_err(|error| match error {
            json::Error::Syntax { message, position } => {
                let problem = Problem::new("json_invalid", "JSON decode error");
                let mut errors = ValidationErrors::default();
                errors.push(
                    vec!["body".into(), position.into()],
                    problem.with("error", message),
                );
                BodyError::Invalid(errors)
            }
            json::Error::NotUtf8 | json::Error::TooDeep | json::Error::NumberTooLong => {
                BodyError::Unreadable
            }
        })?;
        Ok(value
            .as_object()
            .map_or(Self::NotAnObject, |object| Self::Object {
                object,
                is_merge_patch: media_type == MediaType::MergePatch,
            }))
    }

    /// Whether null clears a field (RFC 7396) instead of leaving it unchanged.
    pub(crate) fn is_merge_patch(&self) -> bool {
        matches!(
            self,
            Self::Object {
                is_merge_patch: true,
                ..
            }
        )
    }
}

#[derive(PartialEq)]
enum MediaType {
    Json,
    MergePatch,
}

impl MediaType {
    /// Splits as Python's `email.message` does: up to the first `;`, trimmed, with exactly one `/`.
    fn of(content_type: Option<&str>) -> Option<Self> {
        let Some(content_type) = content_type.filter(|text| !text.is_empty()) else {
            return Some(Self::Json);
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.strip_prefix("application/")? {
            "merge-patch+json" => Some(Self::MergePatch),
            "json" => Some(Self::Json),
            subtype if subtype.ends_with("+json") && !subtype.contains('/') => Some(Self::Json),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn essence(content_type: &str) -> &'static str {
        match Body::read(Some(content_type), b"{}") {
            Ok(body) if body.is_merge_patch() => "merge patch",
            Ok(_) => "json",
            Err(BodyError::UnsupportedMediaType) => "refused",
            Err(_) => "another error",
        }
    }

    #[test]
    fn json_is_known_in_every_spelling_of_its_type() {
        for spelling in [
            "application/json",
            "Application/JSON ; charset=latin1",
            "application/problem+json",
            "application/+json;a=\"b;c\"",
            "application/json;",
            "",
        ] {
            assert_eq!(essence(spelling), "json", "{spelling}");
        }
        assert_eq!(
            essence("Application/Merge-Patch+JSON; charset=utf-8"),
            "merge patch"
        );
    }

    #[test]
    fn another_type_is_refused_only_with_a_body() {
        for spelling in [
            "text/plain",
            "application/jsonx",
            "application/json/x+json",
            "application/ json",
            "application /json",
            "application/json, text/plain",
            "json",
            ";",
        ] {
            assert_eq!(essence(spelling), "refused", "{spelling}");
            assert!(matches!(Body::read(Some(spelling), b""), Ok(Body::Absent)));
        }
    }

    #[test]
    fn a_body_without_a_type_is_json() {
        assert!(matches!(
            Body::read(None, b"{}"),
            Ok(Body::Object {
                is_merge_patch: false,
                ..
            })
        ));
        assert!(matches!(Body::read(None, b"null"), Ok(Body::NotAnObject)));
        assert!(matches!(
            Body::read(None, b"\xff"),
            Err(BodyError::Unreadable)
        ));
    }
}
