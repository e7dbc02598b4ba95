//! Sends spans to a collector by OTLP over HTTP with JSON. No request waits for it: spans that find the queue full, and
//! those that the collector does not take, are dropped and counted.

#[cfg(test)]
mod tests;

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::InstallationId;

use crate::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::http::{GuardedClient, HttpError, HttpPolicy, Method, StatusCode};
use crate::otlp::{attributes, resource};

/// How many spans may wait.
const WAITING: usize = 8_192;
/// The most spans in a request.
const MOST: usize = 512;
/// Spans that end within this time are sent together.
const BATCH: Duration = Duration::from_secs(1);

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace: [u8; 16],
    /// Its own ID.
    pub id: [u8; 8],
    /// The ID of the span that it is a part of.
    pub parent: Option<[u8; 8]>,
    /// What it is of.
    pub name: &'static str,
    /// When it began and ended, in nanoseconds since 1970.
    pub from_to: (u64, u64),
    /// Whether it is a request from elsewhere, or one to elsewhere.
    pub kind: Kind,
    /// Whether what it is of failed.
    pub has_failed: bool,
    /// Names and values: texts, integers and booleans.
    pub attributes: Vec<(&'static str, Value)>,
}

/// The kind of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work of this process.
    Internal = 1,
    /// A request from elsewhere.
    Server = 2,
    /// A request to elsewhere.
    Client = 3,
}

/// What became of the spans.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    sent: Counter,
    dropped: Counter,
}

impl Counts {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Spans that the collector of traces has taken";
        registry.register("trace_spans_sent", help, self.sent.clone());
        let help = "Spans that were dropped: too many waited, or the collector did not take them";
        registry.register("trace_spans_dropped", help, self.dropped.clone());
    }
}

/// Where spans go when they end. It never waits.
#[derive(Clone, Debug)]
pub struct Spans {
    queue: mpsc::Sender<Span>,
    counts: Counts,
}

impl Spans {
    /// Where spans go, and what sends them.
    pub fn new(url: String, policy: HttpPolicy) -> Result<(Self, Exporter), HttpError> {
        let (queue, waiting) = mpsc::channel(WAITING);
        let counts = Counts::default();
        let exporter = Exporter {
            client: GuardedClient::new(policy)?,
            url,
            waiting,
            counts: counts.clone(),
        };
        Ok((Self { queue, counts }, exporter))
    }

    /// Takes a span over, or drops it if too many wait.
    pub fn add(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped.inc();
        }
    }

    /// What became of the spans.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// Why spans were dropped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The collector has no answer.
    #[error("the collector gave no answer")]
    NoAnswer(#[from] HttpError),
    /// The collector did not take them.
    #[error("the collector answered with status {0}")]
    Refused(StatusCode),
}

/// Sends the spans.
#[expect(
    missing_debug_implementations,
    reason = "the URL may hold a credential"
)]
pub struct Exporter {
    client: GuardedClient,
    url: String,
    waiting: mpsc::Receiver<Span>,
    counts: Counts,
}

impl Exporter {
    /// The spans of about a second, at most 512, as soon as there are any.
    pub async fn next(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        if self.waiting.recv_many(&mut spans, 1).await > 0 {
            let rest = async { while self.fill(&mut spans).await {} };
            let _ = tokio::time::timeout(BATCH, rest).await;
        }
        spans
    }

    /// Takes what waits, and returns whether there is room for more.
    async fn fill(&mut self, spans: &mut Vec<Span>) -> bool {
        let room = MOST.saturating_sub(spans.len());
        room > 0 && self.waiting.recv_many(spans, room).await > 0
    }

    /// Sends spans, or drops them. They are not sent again.
    pub async fn send(
        &self,
        installation: InstallationId,
        spans: &[Span],
        headers: HeaderMap,
    ) -> Result<(), ExportError> {
        let sent = self.try_send(installation, spans, headers).await;
        let counter = match sent {
            Ok(()) => &self.counts.sent,
            Err(_) => &self.counts.dropped,
        };
        counter.inc_by(spans.len() as u64);
        sent
    }

    /// Drops spans that cannot be sent.
    pub fn drop_all(&self, spans: &[Span]) {
        self.counts.dropped.inc_by(spans.len() as u64);
    }

    async fn try_send(
        &self,
        installation: InstallationId,
        spans: &[Span],
        mut headers: HeaderMap,
    ) -> Result<(), ExportError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = body(installation, spans).to_string();
        let sent = self
            .client
            .send(Method::POST, &self.url, headers, body.into());
        let status = sent.await?.status;
        if status.is_success() {
            Ok(())
        } else {
            Err(ExportError::Refused(status))
        }
    }
}

fn body(installation: InstallationId, spans: &[Span]) -> Value {
    let spans: Vec<_> = spans.iter().map(written).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource(installation) },
        "scopeSpans": [{ "scope": { "name": "toolvault" }, "spans": spans }],
    }] })
}

fn written(span: &Span) -> Value {
    let (from, to) = span.from_to;
    let named = span.attributes.iter();
    json!({
        "traceId": hexadecimal(&span.trace),
        "spanId": hexadecimal(&span.id),
        "parentSpanId": span.parent.map(|id| hexadecimal(&id)).unwrap_or_default(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": from.to_string(),
        "endTimeUnixNano": to.to_string(),
        "attributes": attributes(named.map(|(name, value)| (*name, value.clone()))),
        "status": if span.has_failed { json!({ "code": 2 }) } else { json!({}) },
    })
}
