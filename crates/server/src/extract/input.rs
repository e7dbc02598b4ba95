//! The content of a request: path segments, query, headers and body.
//!
//! The body is read within limits of size and time, into memory that is overwritten when dropped.

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use toolvault_core::confidential::{Buffer, Wiped};
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::{NameError, ToolName};

use crate::app::App;
use crate::error::ApiError;
use crate::limits::bodies::{Room, Sender};
use crate::wire::{Body, Problem, Query, ValidationErrors, check, identifier_in_path};

/// A whole request, without the caller.
pub(crate) struct Input {
    parts: Parts,
    body: ReceivedBody,
}

/// A whole body, counted in the memory for bodies until this is dropped.
pub(crate) struct ReceivedBody {
    pub(crate) bytes: Wiped<Vec<u8>>,
    pub(crate) room: Room,
}

impl FromRequest<App> for Input {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = read_body(app, &parts, body, app.settings.limits.body_bytes).await?;
        Ok(Self { parts, body })
    }
}

/// The whole body, if it has at most `most_bytes`, arrives in time, and there is memory for it.
pub(crate) async fn read_body(
    app: &App,
    parts: &Parts,
    body: HttpBody,
    most_bytes: usize,
) -> Result<ReceivedBody, ApiError> {
    let limits = app.settings.limits;
    // Every request with a body is authenticated before it is read.
    let sender = parts.extensions.get::<Sender>();
    let sender = sender.cloned().ok_or(ApiError::Internal)?;
    let largest = app.entrance().message_bytes.max(limits.body_bytes);
    let mut room = app.bodies.room(sender, largest);
    let bytes = timeout(limits.body_timeout(), read(body, most_bytes, &mut room))
        .await
        .unwrap_or(Err(ApiError::BodyTimeout))?;
    Ok(ReceivedBody { bytes, room })
}

async fn read(
    mut body: HttpBody,
    limit: usize,
    room: &mut Room,
) -> Result<Wiped<Vec<u8>>, ApiError> {
    use http_body::Body as _;
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(ApiError::BodyTooLarge);
    }
    let mut bytes = Buffer::default();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::BodyIncomplete)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            return Err(ApiError::BodyTooLarge);
        }
        room.add(data.len())?;
        bytes.extend(&data);
    }
    Ok(bytes.into_inner())
}

impl Input {
    /// The head.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The path segment that the route names `name`, still percent-encoded.
    fn segment(&self, name: &str) -> &str {
        let route = self.parts.extensions.get::<MatchedPath>();
        let names = route.map_or("", MatchedPath::as_str).split('/');
        let is_named = |place: &str| {
            let inner = place
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            inner == Some(name)
        };
        names
            .zip(self.parts.uri.path().split('/'))
            .find(|(place, _)| is_named(place))
            .map_or("", |(_, segment)| segment)
    }

    /// The segment `{secret_id}`.
    pub(crate) fn secret_id(&self, errors: &mut ValidationErrors) -> Option<SecretId> {
        self.identifier("secret_id", errors).map(SecretId)
    }

    /// The segment `{version}`.
    pub(crate) fn version(&self, errors: &mut ValidationErrors) -> Option<i64> {
        let text = self.text_segment("version").unwrap_or_default();
        let version = check::integer_text(&text, 1..=i64::MAX);
        errors.keep(version, || vec!["path".into(), "version".into()])
    }

    /// The segment `name` as an ID.
    pub(crate) fn identifier(
        &self,
        name: &'static str,
        errors: &mut ValidationErrors,
    ) -> Option<uuid::Uuid> {
        identifier_in_path(name, self.segment(name), errors)
    }

    /// The segment `name`, decoded; `None` if it is not UTF-8.
    pub(crate) fn text_segment(&self, name: &str) -> Option<String> {
        percent_decode_str(self.segment(name))
            .decode_utf8()
            .ok()
            .map(std::borrow::Cow::into_owned)
    }

    /// The segment `{tool_name}`.
    pub(crate) fn tool_name(&self, errors: &mut ValidationErrors) -> Option<ToolName> {
        let name = self
            .text_segment("tool_name")
            .ok_or_else(|| Problem::value_error("the name is not UTF-8"))
            .and_then(|text| ToolName::parse(&text).map_err(name_problem));
        errors.keep(name, || vec!["path".into(), "tool_name".into()])
    }

    /// The query.
    pub(crate) fn query(&self) -> Query {
        Query::parse(self.parts.uri.query())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Body<'_>, ApiError> {
        Ok(Body::read(self.content_type()?, &self.body.bytes)?)
    }

    /// The body as it was received.
    pub(crate) fn bytes(&self) -> &Wiped<Vec<u8>> {
        &self.body.bytes
    }

    /// The header `Content-Type`. One that is not text is refused as an unsupported type.
    pub(crate) fn content_type(&self) -> Result<Option<&str>, ApiError> {
        self.parts
            .headers
            .get(CONTENT_TYPE)
            .map(|value| value.to_str().map_err(|_| ApiError::UnsupportedMediaType))
            .transpose()
    }

    /// A header as text. A header that is repeated or not text is refused: to ignore it would do something other than
    /// the client requested.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.parts.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value
                .to_str()
                .map(Some)
                .map_err(|_| Problem::value_error("the header must be text")),
            _ => Err(Problem::value_error("the header must not be repeated")),
        }
    }

    /// The entity tags of `If-Match` (RFC 9110, section 13.1.1); empty without the header. A header with only weak
    /// tags, or none, matches nothing.
    pub(crate) fn if_match(&self) -> Vec<String> {
        let values: Vec<_> = self.parts.headers.get_all("if-match").iter().collect();
        if values.is_empty() {
            return Vec::new();
        }
        values
            .into_iter()
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(|tag| tag.trim().to_owned())
            .collect()
    }
}

/// The value that was read, unless the request has errors.
pub(crate) fn require<T>(value: Option<T>, errors: ValidationErrors) -> Result<T, ApiError> {
    errors.into_result()?;
    // An absent value has an error, which was returned above.
    value.ok_or(ApiError::Internal)
}

/// The problem with the name of a tool or with a pattern.
pub(crate) fn name_problem(error: NameError) -> Problem {
    Problem::value_error(&error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::limits::bodies::Bodies;
    use crate::limits::bodies::tests::sender;

    #[tokio::test]
    async fn what_was_read_of_a_body_is_counted_until_it_is_dropped() {
        let bodies = Arc::<Bodies>::default();
        let room = || bodies.room(sender(1, "a"), 2);
        let (mut first, mut second) = (room(), room());
        let whole = read(HttpBody::from("8 bytes."), 8, &mut first).await;
        assert_eq!(whole.unwrap().as_slice(), b"8 bytes.");
        let refused = read(HttpBody::from("x"), 8, &mut second).await;
        assert!(matches!(refused, Err(ApiError::TooManyBytes)));
        drop(first);
        assert!(read(HttpBody::from("x"), 8, &mut second).await.is_ok());
    }
}
