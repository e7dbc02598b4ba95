//! `subscriptions/listen` of 2026-07-28: which news a client wants, and what is acknowledged of it.

use toolvault_core::json::Tree;
use zeroize::Zeroizing;

use super::protocol::Message;
use super::stream::Announcement;

const TOOLS: &str = "toolsListChanged";

/// How a client that listens hears of other tools: if it asked for that.
pub(crate) fn announcement(message: &Message<'_>, id: &str) -> Announcement {
    let wanted = message
        .param("notifications")
        .and_then(|wanted| wanted.as_object()?.get(TOOLS)?.as_bool());
    if wanted == Some(true) {
        Announcement::Subscription(id.to_owned())
    } else {
        Announcement::None
    }
}

/// An acknowledgment that promises news of tools, too; any other message as it is.
pub(crate) fn with_tools(text: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
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
        let yes = Tree::Raw(Zeroizing::new("true".to_owned()));
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
            let announcement = announcement(&message, "\"x\"");
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
            let text = with_tools(Zeroizing::new(text.into_bytes()));
            String::from_utf8(text.to_vec()).unwrap()
        };
        assert_eq!(
            passed(text(acknowledged, "{}")),
            text(acknowledged, r#"{"toolsListChanged":true}"#)
        );
        assert_eq!(passed(text("other", "{}")), text("other", "{}"));
    }
}
