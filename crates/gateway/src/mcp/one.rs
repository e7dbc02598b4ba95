//! Requests to one server: `/mcp/<server>`, and on `/mcp` what concerns one server only.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue};
use toolvault_core::json::{Tree, Value};
use toolvault_vault::Caller;

use super::access::{Access, UNKNOWN_TASK, asked_for};
use super::answer::{Announcement, McpReply};
use super::call::{ToolCall, in_words};
use super::conversation::{Conversation, Incoming, owned};
use super::links::Link;
use super::protocol::headers::NAME;
use super::protocol::{Era, Shape};
use super::refusal::Refusal;
use super::rules::permit;
use super::secure;
use super::server::Server;
use super::session::Purpose;
use super::state::Visit;

/// Answers a message. `name` is what the server calls the tool or the prompt, if the client said `<server>__<name>`.
pub(crate) async fn answer(
    visit: &Visit,
    conversation: &Conversation,
    server: &Arc<Server>,
    incoming: &Incoming<'_>,
    name: Option<&str>,
) -> Result<McpReply, Refusal> {
    let method = incoming.method();
    if !matches!(incoming.shape, Shape::Response(_)) {
        permit(visit.caller(), server, method)?;
        check_subscription(visit.caller(), server, incoming)?;
    }
    if method == "tools/call"
        && let Some(id) = incoming.id()
    {
        let sent = incoming.message.text_param("name");
        let sent = sent.as_deref().map(String::as_str);
        let name = name.or(sent);
        let call = ToolCall {
            visit,
            conversation,
            incoming,
            id,
            server,
            name: name.ok_or(Refusal::InvalidParams("'name' is not text"))?,
        };
        return call.answer().await;
    }
    let link = conversation.link_for_message(visit, server, &server.tool);
    let link = link.await.map_err(|refusal| in_words(server, refusal))?;
    let mut tree = owned(&incoming.message)?;
    let Some(name) = name else {
        let headers = conversation.headers(None)?;
        return forward(visit, conversation, &link, incoming, tree, headers).await;
    };
    // The later era repeats names in a header, but not that of a reference.
    let is_reference = method == "completion/complete";
    rename(&mut tree, is_reference, name)?;
    let headers = conversation.headers(Some(name).filter(|_| !is_reference))?;
    forward(visit, conversation, &link, incoming, tree, headers).await
}

/// Sets the name under which the server knows what a request is about.
fn rename(request: &mut Tree<'_>, is_reference: bool, name: &str) -> Result<(), Refusal> {
    let refused = |_| Refusal::InvalidParams("'params' cannot be read");
    let mut named = request.get_mut("params").map_err(refused)?;
    if is_reference && let Some(params) = named {
        named = params.get_mut("ref").map_err(refused)?;
    }
    match named {
        Some(named) => named.set("name", Tree::text(name)).map_err(refused),
        None => Ok(()),
    }
}

/// Passes a message on, and its answer back.
pub(crate) async fn forward(
    visit: &Visit,
    conversation: &Conversation,
    link: &Arc<Link>,
    incoming: &Incoming<'_>,
    mut tree: Tree<'_>,
    mut headers: HeaderMap,
) -> Result<McpReply, Refusal> {
    let (id, method) = (incoming.id(), incoming.method());
    let (access, tool) = (&link.access, &link.access.server.tool);
    visit.allow(tool)?;
    let sent = incoming.message.value();
    visit.search(access, tool, sent).await?;
    visit.search_headers(access, tool, &headers).await?;
    if conversation.era() == Era::Modern
        && let Some(task) = asked_for(method, &incoming.message)?
    {
        let (vault, server) = (&visit.state.vault, access.server.name.as_str());
        access
            .tasks
            .look_up(vault, visit.caller(), server, &task)
            .await;
    }
    keep_to_own_tasks(visit.caller(), access, method, &mut tree, &mut headers)?;
    if access.server.settings.secure_parameters && conversation.era() == Era::Modern {
        secure::declare(&mut tree)
            .map_err(|_| Refusal::InvalidParams("'params' cannot be read"))?;
    }
    conversation.note(link, incoming);
    let purpose = Purpose::of(method, &incoming.message);
    let mut answering = conversation.answering(visit, link, purpose, id);
    let mut question = link.post(headers, tree.to_json());
    if method == "subscriptions/listen" && conversation.era() == Era::Modern {
        question.silence = None;
        if let Some(id) = id {
            answering.announcement = Announcement::of_subscription(&incoming.message, id);
        }
    }
    Ok(answering.relay(link.ask(question).await?).await)
}

/// A key for some tools may listen only for changes of tools.
fn check_subscription(
    caller: &Caller,
    server: &Server,
    incoming: &Incoming<'_>,
) -> Result<(), Refusal> {
    if incoming.method() != "subscriptions/listen" || caller.reaches_all_of(&server.name.prefix()) {
        return Ok(());
    }
    let wanted = incoming.message.param("notifications");
    let wanted = wanted.and_then(Value::as_object);
    let names = wanted.and_then(|wanted| wanted.members().ok());
    let mut names = names.into_iter().flatten();
    if names.all(|member| member.name == "toolsListChanged") {
        Ok(())
    } else {
        Err(Refusal::WholeServerOnly)
    }
}

/// Replaces the ID of a task that the caller did not begin, or began with a tool that the key does not reach, by one
/// that does not exist. The server then says in its own words that there is no such task.
fn keep_to_own_tasks(
    caller: &Caller,
    access: &Access,
    method: &str,
    request: &mut Tree<'_>,
    headers: &mut HeaderMap,
) -> Result<(), Refusal> {
    let refused = |_| Refusal::InvalidParams("'params' cannot be read");
    if !method.starts_with("tasks/") {
        return Ok(());
    }
    let Some(params) = request.get_mut("params").map_err(refused)? else {
        return Ok(());
    };
    let id = match params.get_mut("taskId").map_err(refused)? {
        Some(id) => id.as_text(),
        None => return Ok(()),
    };
    let tool = id.and_then(|id| access.tasks.tool(&id));
    let tool = tool.and_then(|tool| access.server.name.tool(&tool));
    if tool.is_some_and(|tool| caller.reaches_tool(&tool)) {
        return Ok(());
    }
    if headers.contains_key(NAME) {
        headers.insert(NAME, HeaderValue::from_static(UNKNOWN_TASK));
    }
    params
        .set("taskId", Tree::text(UNKNOWN_TASK))
        .map_err(refused)
}
