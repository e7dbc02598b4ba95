//! What a client of the earlier era opened with `initialize`, and what it set since then.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use toolvault_core::json::{Object, Value};
use toolvault_gateway::http::{HeaderMap, HeaderValue};
use toolvault_gateway::mcp::protocol::Message;
use toolvault_gateway::mcp::protocol::headers::{PROTOCOL_VERSION, SESSION_ID};

/// A request that is sent again as the client sent it.
#[derive(Clone)]
pub(super) struct Kept {
    /// Its ID, as JSON.
    pub(super) id: String,
    pub(super) line: Bytes,
}

/// A session at the gateway. Before the client opened one, everything is absent.
#[derive(Default)]
pub(super) struct Session {
    /// How many sessions there were before this one.
    pub(super) number: u64,
    /// The client's `initialize`.
    pub(super) opening: Option<Kept>,
    /// The client's `notifications/initialized`.
    pub(super) initialized: Option<Bytes>,
    /// The protocol version on which both sides agreed.
    pub(super) version: Option<HeaderValue>,
    /// The names of the lists whose changes the server announces.
    pub(super) lists: Vec<&'static str>,
    /// Its ID at the gateway.
    pub(super) id: Option<HeaderValue>,
    /// Ends the stream of what the server sends by itself.
    pub(super) listening: CancellationToken,
}

/// What the client set in its session. It does not outlive the session, so it is set again in a new one.
#[derive(Default)]
pub(super) struct Settings {
    level: Option<Kept>,
    /// By URI.
    subscriptions: BTreeMap<String, Kept>,
}

/// Whether the server announces changes of the list `name`, by what it says of itself.
type Announces<'a> = dyn Fn(&str) -> Option<bool> + 'a;

/// Lists whose changes a server can announce.
const LISTS: [&str; 3] = ["tools", "prompts", "resources"];

impl Session {
    /// The session that an answer to `initialize` opens; `None` if it is a refusal.
    pub(super) fn of(head: &HeaderMap, answer: &Message<'_>) -> Option<Self> {
        let result = answer.result()?;
        let version = result.get("protocolVersion")?.as_text()?.ok()?;
        let capabilities = result.get("capabilities").and_then(Value::as_object);
        let announces = |name: &str| {
            let capability = capabilities?.get(name)?.as_object()?;
            capability.get("listChanged")?.as_bool()
        };
        Some(Self {
            id: head.get(SESSION_ID).cloned(),
            version: HeaderValue::from_str(&version).ok(),
            lists: lists(&announces),
            ..Self::default()
        })
    }

    /// The headers of each further message.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        if let Some(id) = &self.id {
            map.insert(SESSION_ID, id.clone());
        }
        if let Some(version) = &self.version {
            map.insert(PROTOCOL_VERSION, version.clone());
        }
        map
    }
}

impl Settings {
    /// Notes a request that the server granted.
    pub(super) fn note(&mut self, method: &str, request: &Message<'_>, kept: &Kept) {
        let uri = || Some(request.text_param("uri")?.as_str().to_owned());
        match method {
            "logging/setLevel" => self.level = Some(kept.clone()),
            "resources/subscribe" => {
                self.subscriptions
                    .extend(uri().map(|uri| (uri, kept.clone())));
            }
            "resources/unsubscribe" => {
                let _ = uri().and_then(|uri| self.subscriptions.remove(&uri));
            }
            _ => {}
        }
    }

    /// The requests that set everything again.
    pub(super) fn requests(&self) -> Vec<Kept> {
        let level = self.level.iter();
        level.chain(self.subscriptions.values()).cloned().collect()
    }
}

/// The lists of the later era's subscription whose changes a server promised.
pub(super) fn lists_of_subscription(acknowledgment: &Message<'_>) -> Vec<&'static str> {
    let promised = acknowledgment
        .param("notifications")
        .and_then(Value::as_object);
    let announces = |name: &str| Object::get(promised?, &format!("{name}ListChanged"))?.as_bool();
    lists(&announces)
}

fn lists(announces: &Announces<'_>) -> Vec<&'static str> {
    let named = LISTS.into_iter();
    named.filter(|name| announces(name) == Some(true)).collect()
}
