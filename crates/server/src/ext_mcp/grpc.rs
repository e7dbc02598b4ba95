//! gRPC over HTTP/2, for calls of one message each way, without compression (gRPC's PROTOCOL-HTTP2).

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use toolvault_core::confidential::Wiped;

use crate::error::ApiError;

const MEDIA_TYPE: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Whether the message is compressed, and its length.
const PREFIX: usize = 5;

/// Why a call fails. It decides nothing about the message that was asked about: gateways can be set to let messages pass
/// when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    http: StatusCode,
    code: u8,
    text: &'static str,
}

impl Status {
    pub(super) const MALFORMED: Self = Self::new(3, "the message cannot be read");
    const TOO_LARGE: Self = Self::new(
        8,
        "the message is too large (message_bytes in [gateway.limits])",
    );
    const EXHAUSTED: Self = Self::new(8, "too much at the same time: try again later");
    pub(super) const UNIMPLEMENTED: Self = Self::new(
        12,
        "only CheckRequest and CheckResponse of agentgateway.dev.ext_mcp.ExtMcp, uncompressed",
    );
    const FAILED: Self = Self::new(13, "the call failed");
    const INCOMPLETE: Self = Self::new(14, "the message did not arrive in time");
    pub(super) const UNAUTHENTICATED: Self = Self::new(
        16,
        "the gateway must send the token of [ext_mcp] as authorization: Bearer TOKEN",
    );

    const fn new(code: u8, text: &'static str) -> Self {
        Self {
            http: StatusCode::OK,
            code,
            text,
        }
    }

    /// What a body that cannot be read means.
    pub(super) fn of(error: &ApiError) -> Self {
        match error {
            ApiError::BodyTooLarge => Self::TOO_LARGE,
            ApiError::Busy | ApiError::TooManyBytes => Self::EXHAUSTED,
            ApiError::BodyTimeout | ApiError::BodyIncomplete => Self::INCOMPLETE,
            _ => Self::FAILED,
        }
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
            (STATUS, HeaderValue::from(u16::from(self.code))),
            (MESSAGE, HeaderValue::from_static(self.text)),
        ];
        (self.http, headers, Body::empty()).into_response()
    }
}

/// Refuses what is no gRPC: the answer could not be read.
pub(super) fn require_media_type(headers: &HeaderMap) -> Result<(), Status> {
    let sent = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_grpc = sent.is_some_and(|sent| {
        let rest = sent.strip_prefix(MEDIA_TYPE.as_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    });
    if is_grpc {
        return Ok(());
    }
    Err(Status {
        http: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ..Status::UNIMPLEMENTED
    })
}

/// The message of a body that holds one.
pub(super) fn only_message(body: &Bytes) -> Result<Bytes, Status> {
    let (compressed, length) = match body.first_chunk::<PREFIX>() {
        Some([compressed, length @ ..]) => (*compressed, u32::from_be_bytes(*length)),
        None => return Err(Status::MALFORMED),
    };
    let rest = body.slice(PREFIX..);
    match compressed {
        0 if usize::try_from(length) == Ok(rest.len()) => Ok(rest),
        1 => Err(Status::UNIMPLEMENTED),
        _ => Err(Status::MALFORMED),
    }
}

/// The answer to a call that succeeded.
pub(super) fn answer(message: &impl Message) -> Response {
    let length = message.encoded_len();
    let Ok(announced) = u32::try_from(length) else {
        return Status::TOO_LARGE.into_response();
    };
    let mut text = Wiped::new(Vec::with_capacity(PREFIX + length));
    text.push(0);
    text.extend_from_slice(&announced.to_be_bytes());
    if message.encode(&mut *text).is_err() {
        return Status::FAILED.into_response();
    }
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from_owner(text));
    let body = body.with_trailers(async { Some(Ok::<_, Infallible>(trailers)) });
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    ([(header::CONTENT_TYPE, media_type)], Body::new(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_holds_one_message_that_is_not_compressed() {
        let read = |body: &'static [u8]| only_message(&Bytes::from_static(body));
        assert_eq!(read(b"\0\0\0\0\x02ab").unwrap(), "ab");
        assert_eq!(read(b"\0\0\0\0\0").unwrap(), "");
        for body in [
            b"".as_slice(),
            b"\0\0\0\0",
            b"\0\0\0\0\x02a",
            b"\0\0\0\0\x01ab",
            b"\0\xff\xff\xff\xff",
            b"\x02\0\0\0\0",
            b"\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(read(body), Err(Status::MALFORMED), "{body:?}");
        }
        assert_eq!(read(b"\x01\0\0\0\x01a"), Err(Status::UNIMPLEMENTED));
    }

    #[test]
    fn only_grpc_is_read() {
        let check = |media_type: &'static str| {
            let value = HeaderValue::from_static(media_type);
            require_media_type(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
        };
        for known in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;a=b",
        ] {
            assert_eq!(check(known), Ok(()), "{known}");
        }
        for other in ["", "application/json", "application/grpc-web"] {
            let status = check(other).unwrap_err();
            assert_eq!(status.http, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{other}");
        }
        assert!(require_media_type(&HeaderMap::new()).is_err());
    }
}
