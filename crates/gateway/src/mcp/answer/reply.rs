//! What the client is answered, as HTTP.

use std::pin::Pin;
use std::sync::Arc;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use futures_util::Stream;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::Value;

use super::downstream::{Downstream, Passed};
use super::stream::Relay;
use super::subscription::Announcement;
use crate::mcp::links::{Content, Events, Exchange};
use crate::mcp::protocol::{Era, Event, Message};
use crate::mcp::record::CallRecord;
use crate::mcp::refusal::{Refusal, UpstreamError};

/// What a client is answered.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct McpReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: McpBody,
}

/// The body of an answer.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub enum McpBody {
    /// Nothing.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// Events, one piece each. Dropping it abandons the request.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

/// How the answer of a server is relayed.
pub(crate) struct Answering {
    pub(crate) downstream: Downstream,
    pub(crate) record: Option<CallRecord>,
    pub(crate) announcement: Announcement,
}

impl McpReply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: McpBody::Empty,
        }
    }

    pub(crate) fn whole(status: StatusCode, text: Wiped<Vec<u8>>) -> Self {
        let mut headers = private();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self {
            status,
            headers,
            body: McpBody::Whole(Bytes::from_owner(text)),
        }
    }

    /// An error; `is_call` if it answers a tool's call that was sent.
    pub(crate) fn refused(refusal: &Refusal, id: Option<&str>, is_call: bool) -> Self {
        let text = Wiped::new(refusal.to_message(id, is_call));
        let mut reply = Self::whole(refusal.status(), text);
        if refusal.status() == StatusCode::FORBIDDEN {
            let challenge =
                HeaderValue::from_static("Bearer error=\"insufficient_scope\", scope=\"use\"");
            reply
                .headers
                .insert(::http::header::WWW_AUTHENTICATE, challenge);
        }
        reply
    }

    pub(crate) fn stream(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        let mut headers = private();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        );
        Self {
            status: StatusCode::OK,
            headers,
            body: McpBody::Stream(Box::pin(stream)),
        }
    }
}

fn private() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
}

impl Answering {
    /// Relays an answer.
    pub(crate) async fn relay(mut self, exchange: Exchange) -> McpReply {
        match exchange.content {
            Content::Empty if self.downstream.id.is_none() => {
                let status = if exchange.status.is_success() {
                    StatusCode::ACCEPTED
                } else {
                    exchange.status
                };
                McpReply::empty(status)
            }
            Content::Empty => self.fail(&Exchange::failure(exchange.status).into()),
            Content::Message(text) => self.message(exchange.status, &text).await,
            Content::Events(mut events) => match self.error_at_once(&mut events).await {
                Ok(reply) => reply,
                Err(first) => self.events(events, first),
            },
        }
    }

    async fn message(mut self, status: StatusCode, text: &[u8]) -> McpReply {
        match self.downstream.pass(text).await {
            Ok(Passed::Response(text) | Passed::Message(text)) => {
                self.end_record();
                McpReply::whole(status, text)
            }
            Ok(Passed::Nothing) => match self.nameless_error(status, text).await {
                Some(text) => McpReply::whole(status, text),
                None => self.fail(&Exchange::failure(status).into()),
            },
            Err(refusal) => self.fail(&refusal),
        }
    }

    /// An error that names no request, as answer to one that the server could not even read.
    async fn nameless_error(&self, status: StatusCode, text: &[u8]) -> Option<Wiped<Vec<u8>>> {
        let message = Message::parse(text).ok()?;
        let is_nameless = message.get("id").is_none_or(Value::is_null);
        let is_error = message.get("error").is_some();
        if status.is_success() || !is_nameless || !is_error {
            return None;
        }
        Some(self.downstream.redacted(message.value()).await)
    }

    /// What a program says first, if it is an error that the later era wants told in the status of the answer.
    async fn error_at_once(&mut self, events: &mut Events) -> Result<McpReply, Option<Event>> {
        let link = &self.downstream.link;
        if link.program().is_none() || link.era == Era::Legacy || self.downstream.id.is_none() {
            return Err(None);
        }
        let event = match events.next().await {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Ok(self.fail(&error.into())),
            None => return Ok(self.fail(&UpstreamError::Ended.into())),
        };
        let text = event.data.as_ref().map_or(&[][..], |data| data.as_slice());
        let Some(status) = status_of(text) else {
            return Err(Some(event));
        };
        Ok(match self.downstream.pass(text).await {
            Ok(Passed::Response(text) | Passed::Message(text)) => {
                self.end_record();
                McpReply::whole(status, text)
            }
            Ok(Passed::Nothing) => self.fail(&UpstreamError::NotMcp.into()),
            Err(refusal) => self.fail(&refusal),
        })
    }

    fn events(self, events: Events, first: Option<Event>) -> McpReply {
        McpReply::stream(
            Relay {
                downstream: Arc::new(self.downstream),
                events: Some(events),
                first,
                record: self.record,
                announcement: self.announcement,
            }
            .run(),
        )
    }

    /// An error in place of the server's answer.
    pub(crate) fn fail(&mut self, refusal: &Refusal) -> McpReply {
        let downstream = &self.downstream;
        refusal.log(Some(downstream.link.access.server.name.as_str()));
        let is_call = downstream.tool.is_some();
        if let Some(record) = self.record.take() {
            record.refused(refusal.reason());
        }
        McpReply::refused(refusal, downstream.id.as_deref(), is_call)
    }

    fn end_record(&mut self) {
        if let Some(record) = self.record.take() {
            record.answered();
        }
    }
}

/// The status that the later era gives an error.
fn status_of(answer: &[u8]) -> Option<StatusCode> {
    let message = Message::parse(answer).ok()?;
    let code = message.get("error")?.as_object()?.get("code")?;
    match code.raw() {
        "-32601" => Some(StatusCode::NOT_FOUND),
        "-32020" | "-32021" | "-32022" => Some(StatusCode::BAD_REQUEST),
        _ => None,
    }
}
