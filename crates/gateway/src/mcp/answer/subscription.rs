//! How a client hears that its list of tools changed, and `subscriptions/listen` of 2026-07-28.

use bytes::Bytes;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::Tree;

use crate::mcp::protocol::{Event, METADATA, Message, list_changed};

const TOOLS: &str = "toolsListChanged";

/// How a client hears that its list of tools changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// Not on this stream.
    None,
    /// As a notification of the earlier era.
    Plain,
    /// As one of the subscription with this id, as its client spelled it.
    Subscription(String),
}

impl Announcement {
    /// The one for a client that sends `subscriptions/listen`: only if it asked for changes of tools.
    pub(crate) fn of_subscription(message: &Message<'_>, id: &str) -> Self {
        let wanted = message
            .param("notifications")
            .and_then(|wanted| wanted.as_object()?.get(TOOLS)?.as_bool());
        if wanted == Some(true) {
            Self::Subscription(id.to_owned())
        } else {
            Self::None
        }
    }

    /// The event that tells the client; `None` if it is not to be told.
    pub(crate) fn tell(&self) -> Option<Bytes> {
        let subscription = match self {
            Self::None => return None,
            Self::Plain => None,
            Self::Subscription(id) => Some(id.as_str()),
        };
        let text = list_changed("tools", subscription);
        let event = Event::message(Wiped::new(text));
        Some(Bytes::from_owner(event.write()))
    }
}

/// The member of `_meta` that says which subscription a message belongs to.
pub(crate) fn subscription_member() -> String {
    format!("{METADATA}subscriptionId")
}

/// An acknowledgment that also promises changes of tools, which we announce; any other message as it is.
pub(super) fn with_tools(text: Wiped<Vec<u8>>) -> Wiped<Vec<u8>> {
    let Ok(message) = Message::parse(&text) else {
        return text;
    };
    let method = message
        .get("method")
        .and_then(|method| method.as_text()?.ok());
    if method.is_none_or(|method| *method != "notifications/subscriptions/acknowledged") {
        return text;
    }
    let mut tree = Tree::from(message.value());
    let acknowledged = tree
        .get_mut("params")
        .ok()
        .flatten()
        .and_then(|params| params.get_mut("notifications").ok().flatten());
    if let Some(acknowledged) = acknowledged {
        let yes = Tree::Raw(Wiped::new("true".to_owned()));
        if acknowledged.set(TOOLS, yes).is_err() {
            return text;
        }
    }
    tree.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_for_tools_hears_of_them() {
        for (filter, heard) in [
            (r#"{"toolsListChanged":true}"#, true),
            (r#"{"toolsListChanged":false}"#, false),
            (r#"{"promptsListChanged":true}"#, false),
            ("7", false),
        ] {
            let text = format!(
                r#"{{"jsonrpc":"2.0","id":"x","method":"subscriptions/listen","params":{{"notifications":{filter}}}}}"#
            );
            let message = Message::parse(text.as_bytes()).unwrap();
            let announcement = Announcement::of_subscription(&message, "\"x\"");
            assert_eq!(announcement != Announcement::None, heard, "{filter}");
        }
    }

    #[test]
    fn the_acknowledgment_promises_what_we_give() {
        let text = |method: &str, filter: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"notifications":{filter}}}}}"#
            )
        };
        let acknowledged = "notifications/subscriptions/acknowledged";
        let passed = |text: String| {
            let text = with_tools(Wiped::new(text.into_bytes()));
            String::from_utf8(text.to_vec()).unwrap()
        };
        assert_eq!(
            passed(text(acknowledged, "{}")),
            text(acknowledged, r#"{"toolsListChanged":true}"#)
        );
        assert_eq!(passed(text("other", "{}")), text("other", "{}"));
    }
}
