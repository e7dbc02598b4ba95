//! An answer to a local command, in parts or as a whole.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;

/// An answer whose body is read as it comes.
#[derive(Debug)]
pub struct Answer(Response<Body>);

impl Answer {
    pub(super) const fn new(response: Response<Body>) -> Self {
        Self(response)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The next bytes of the body; `None` at its end. A body that was not sent to its end is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, axum::Error> {
        while let Some(frame) = self.0.body_mut().frame().await {
            if let Ok(bytes) = frame?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The answer with its whole body.
    pub async fn whole(self) -> Result<Response<Bytes>, axum::Error> {
        let (parts, body) = self.0.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}
