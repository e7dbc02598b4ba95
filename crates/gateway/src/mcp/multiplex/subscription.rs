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
use crate::mcp::links::{Events, Exchange, Link, Question};
use crate::mcp::protocol::{Event, Message};
use crate::mcp::refusal::{Refusal, UpstreamError};
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
        search(visit, link, &link.post(headers.clone(), tree.to_json())).await?;
    }
    let relay = move |visit: &Visit, conversation: &Conversation, link: &Arc<Link>| {
        let mut question = link.post(headers.clone(), tree.to_json());
        question.silence = None;
        let asking = ask(visit.renewed(), Arc::clone(link), question);
        let answering = conversation.answering(visit, link, Purpose::Other, None);
        Relay {
            downstream: Arc::new(answering.downstream),
            events: Some(Events::later(asking)),
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

/// Asks one server. It may have arrived later than the request, and more values may be known by now.
async fn ask(visit: Visit, link: Arc<Link>, question: Question) -> Result<Exchange, UpstreamError> {
    if let Err(refusal) = search(&visit, &link, &question).await {
        refusal.log(Some(link.access.server.name.as_str()));
        return Err(UpstreamError::Ended);
    }
    link.ask(question).await
}

async fn search(visit: &Visit, link: &Link, question: &Question) -> Result<(), Refusal> {
    let (access, tool) = (&link.access, &link.access.server.tool);
    let message = Message::parse(&question.body)?;
    visit.search(access, tool, message.value()).await?;
    visit.search_headers(access, tool, &question.headers).await
}
