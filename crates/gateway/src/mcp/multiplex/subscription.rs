//! Subscriptions of the later era: one stream of the changes of all servers, acknowledged once.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, Value};

use super::listening;
use crate::mcp::answer::{Announcement, McpReply, Relay, subscription_member};
use crate::mcp::conversation::{Conversation, Incoming, owned};
use crate::mcp::links::Link;
use crate::mcp::protocol::Event;
use crate::mcp::refusal::Refusal;
use crate::mcp::session::Purpose;
use crate::mcp::state::Visit;

const LIST_CHANGES: [&str; 3] = [
    "toolsListChanged",
    "promptsListChanged",
    "resourcesListChanged",
];

/// Answers `subscriptions/listen`.
pub(super) async fn begin(
    visit: &Visit,
    conversation: &Conversation,
    links: Vec<Arc<Link>>,
    incoming: &Incoming<'_>,
    id: &str,
) -> Result<McpReply, Refusal> {
    let message = &incoming.message;
    let wanted = message.param("notifications").and_then(Value::as_object);
    let granted: serde_json::Map<String, Json> = LIST_CHANGES
        .into_iter()
        .filter(|name| wanted.and_then(|wanted| wanted.get(name)?.as_bool()) == Some(true))
        .map(|name| (name.to_owned(), json!(true)))
        .collect();
    let granted = Json::Object(granted).to_string();
    let mut tree = owned(message)?;
    if let Ok(Some(params)) = tree.get_mut("params") {
        let granted = Tree::Raw(Wiped::new(granted.clone()));
        params
            .set("notifications", granted)
            .map_err(|_| Refusal::InvalidParams("'notifications' cannot be read"))?;
    }
    let headers = conversation.headers(None)?;
    for link in &links {
        let (access, tool) = (&link.access, &link.access.server.tool);
        visit.search(access, tool, message.value()).await?;
        visit.search_headers(access, tool, &headers).await?;
    }
    let relay = move |visit: &Visit, conversation: &Conversation, link: &Arc<Link>| {
        let mut question = link.post(headers.clone(), tree.to_json());
        question.silence = None;
        let answering = conversation.answering(visit, link, Purpose::Other, None);
        Relay {
            downstream: Arc::new(answering.downstream),
            events: Some(link.events(question)),
            first: None,
            record: None,
            announcement: Announcement::None,
        }
    };
    let member = subscription_member();
    let acknowledged = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{{\"_meta\":{{\"{member}\":{id}}},\"notifications\":{granted}}}}}"
    );
    let acknowledged = Event::message(Wiped::new(acknowledged.into_bytes()));
    let first = Bytes::from_owner(acknowledged.write());
    let first = futures_util::stream::once(async move { first });
    let announcement = Announcement::of_subscription(message, id);
    let stream = listening::stream(visit, conversation.clone(), links, announcement, relay);
    Ok(McpReply::stream(first.chain(stream)))
}
