//! Makes spans for a collector of traces from the spans of the library `tracing` that all crates open.
//!
//! Only those with the target [`SPANS`] count, and only what was recorded as a text, an integer or a boolean: a `Debug` or
//! `Display` of anything is left out.

mod context;
pub(crate) mod export;

use serde_json::{Value, json};
use toolvault_core::entropy::Entropy as _;
use toolvault_gateway::traces::{Kind, Span, Spans};
use toolvault_vault::{Clock as _, SPANS, SystemClock, SystemEntropy};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use self::context::Parent;

/// The field with the caller's `traceparent`. It is no attribute.
const PARENT: &str = "traceparent";
/// The field that says that the work is done although the span is still open. It is no attribute.
const ENDED: &str = "ended";

/// Whether a span is one for traces.
pub(crate) fn is_for_traces(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == SPANS
}

/// Makes the spans.
pub(crate) struct Traces {
    spans: Spans,
    /// How many percent of the traces that begin here are sent.
    percent: u8,
}

impl Traces {
    pub(crate) fn new(spans: Spans, percent: u8) -> Self {
        Self { spans, percent }
    }

    /// The trace of a span without another one around it, and its parent. `None`: it is not sent.
    fn begin(&self, seen: &Seen) -> Option<([u8; 16], Option<[u8; 8]>)> {
        if let Some(parent) = seen.parent.as_deref().and_then(Parent::read) {
            return parent
                .is_sampled
                .then_some((parent.trace, Some(parent.span)));
        }
        let trace: [u8; 16] = random()?;
        let [first, ..] = trace;
        let is_sent = u32::from(first) * 100 < u32::from(self.percent) * 256;
        is_sent.then_some((trace, None))
    }
}

/// A span that is open. It is stored in the span of the library.
struct Open(Option<Span>);

impl<S> Layer<S> for Traces
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(of) = context.span(id) else { return };
        let mut seen = Seen::default();
        attributes.record(&mut seen);
        let around = of.parent().map(|parent| {
            let extensions = parent.extensions();
            let open = extensions.get::<Open>()?;
            open.0.as_ref().map(|span| (span.trace, Some(span.id)))
        });
        let begun = around.unwrap_or_else(|| self.begin(&seen));
        let open = begun.and_then(|(trace, parent)| {
            Some(Span {
                trace,
                id: random()?,
                parent,
                name: attributes.metadata().name(),
                from_to: (now(), 0),
                kind: kind(attributes.metadata().name()),
                has_failed: seen.has_failed,
                attributes: seen.attributes,
            })
        });
        of.extensions_mut().insert(Open(open));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(of) = context.span(id) else { return };
        let mut extensions = of.extensions_mut();
        let Some(Open(Some(span))) = extensions.get_mut::<Open>() else {
            return;
        };
        let mut seen = Seen::default();
        values.record(&mut seen);
        span.has_failed |= seen.has_failed;
        span.attributes.append(&mut seen.attributes);
        if seen.has_ended {
            span.from_to.1 = now();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(of) = context.span(&id) else { return };
        let closed = of.extensions_mut().remove::<Open>();
        if let Some(Open(Some(mut span))) = closed {
            if span.from_to.1 == 0 {
                span.from_to.1 = now();
            }
            self.spans.add(span);
        }
    }
}

/// What the fields of a span say.
#[derive(Default)]
struct Seen {
    attributes: Vec<(&'static str, Value)>,
    parent: Option<String>,
    has_failed: bool,
    has_ended: bool,
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == PARENT {
            self.parent = Some(value.to_owned());
        } else {
            self.has_failed |= field.name() == "error.type";
            self.attributes.push((field.name(), json!(value)));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.has_failed |= field.name() == "http.response.status_code" && value >= 500;
        self.attributes.push((field.name(), json!(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == ENDED {
            self.has_ended = value;
        } else {
            self.attributes.push((field.name(), json!(value)));
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

fn kind(name: &str) -> Kind {
    match name {
        "http.request" => Kind::Server,
        "upstream" => Kind::Client,
        _ => Kind::Internal,
    }
}

/// Random bytes, not all zero, which an ID must not be.
fn random<const LENGTH: usize>() -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    SystemEntropy.fill(&mut bytes).ok()?;
    (bytes != [0; LENGTH]).then_some(bytes)
}

fn now() -> u64 {
    SystemClock.now().microseconds().unsigned_abs() * 1_000
}
