//! Reads the spans that a receiver gets.

use serde_json::Value;

use super::TOKEN;
use crate::ship::receiver::Receiver;

pub(super) struct Collector<'a> {
    receiver: &'a Receiver,
    /// All that came, as it came.
    bodies: Vec<String>,
    spans: Vec<Span>,
    /// How many of them were looked at.
    seen: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Span(Value);

impl<'a> Collector<'a> {
    pub(super) fn new(receiver: &'a Receiver) -> Self {
        Self {
            receiver,
            bodies: Vec::new(),
            spans: Vec::new(),
            seen: 0,
        }
    }

    /// Everything that came so far.
    pub(super) fn everything(&self) -> String {
        self.bodies.concat()
    }

    /// The next span with this name that was not looked at.
    pub(super) fn until(&mut self, name: &str) -> Span {
        loop {
            while let Some(span) = self.spans.get(self.seen).cloned() {
                self.seen += 1;
                if span.name() == name {
                    return span;
                }
            }
            self.receive();
        }
    }

    /// A span that came or comes; it is not found again.
    pub(super) fn find(&mut self, is_it: impl Fn(&Span) -> bool) -> Span {
        loop {
            if let Some(place) = self.spans.iter().position(&is_it) {
                self.seen -= usize::from(place < self.seen);
                return self.spans.remove(place);
            }
            self.receive();
        }
    }

    pub(super) fn parent_of(&mut self, child: &Span) -> Span {
        self.find(|span| span.id() == child.parent())
    }

    fn receive(&mut self) {
        let request = self.receiver.next();
        assert!(request.head.starts_with("POST /v1/traces HTTP/1.1\r\n"));
        let credential = format!("authorization: Bearer {TOKEN}\r\n");
        assert!(request.head.contains(&credential), "{}", request.head);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let resource = &body["resourceSpans"][0];
        let attributes = resource["resource"]["attributes"].to_string();
        assert!(attributes.contains("\"toolvault\""), "{attributes}");
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
        self.spans.extend(spans.iter().cloned().map(Span));
        self.bodies.push(request.body.clone());
        request.answer("200 OK", "{}");
    }
}

impl Span {
    pub(super) fn name(&self) -> &str {
        self.field("name")
    }

    pub(super) fn id(&self) -> &str {
        self.field("spanId")
    }

    pub(super) fn trace(&self) -> &str {
        self.field("traceId")
    }

    pub(super) fn parent(&self) -> &str {
        self.field("parentSpanId")
    }

    pub(super) fn ended(&self) -> u64 {
        self.field("endTimeUnixNano").parse().unwrap()
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key)?["stringValue"].as_str()
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.attribute(key)?["intValue"].as_str()?.parse().ok()
    }

    fn field(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn attribute(&self, key: &str) -> Option<&Value> {
        let attributes = self.0["attributes"].as_array()?;
        let found = attributes.iter().find(|attribute| attribute["key"] == key);
        found.map(|attribute| &attribute["value"])
    }
}
