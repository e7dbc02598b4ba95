//! Whose a resource or a task is: found out by asking one server after the other, since their names say nothing.

use std::sync::Arc;

use toolvault_core::json::parse;
use zeroize::Zeroizing;

use super::lists::{RESOURCES, TEMPLATES, all_of, in_time};
use super::split;
use crate::mcp::context::Context;
use crate::mcp::gateway::Visit;
use crate::mcp::link::{Link, List};
use crate::mcp::protocol::{Era, Message};
use crate::mcp::refusal::Refusal;
use crate::mcp::server::Server;

/// To which servers a request may be meant.
pub(super) enum Owner {
    /// To one, under this name there.
    One(Arc<Server>, String),
    /// To whichever knows what it is about.
    Somebody,
}

/// Whose a request is.
pub(super) fn of(visit: &Visit, method: &str, message: &Message<'_>) -> Result<Owner, Refusal> {
    let name = match method {
        "tools/call" | "prompts/get" => message.text_param("name"),
        "completion/complete" => {
            let named = message
                .param("ref")
                .and_then(|named| named.as_object()?.get("name"));
            match named.and_then(|name| name.as_text()?.ok()) {
                Some(name) => Some(name),
                None => return Ok(Owner::Somebody),
            }
        }
        _ if method.starts_with("resources/") || method.starts_with("tasks/") => {
            return Ok(Owner::Somebody);
        }
        _ => {
            let era = Era::of(message, &visit.request.headers);
            return Err(Refusal::MethodNotFound(era));
        }
    };
    let name = name.ok_or(Refusal::InvalidParams("'name' is not text"))?;
    match split(visit, &name) {
        Some((server, own)) => Ok(Owner::One(server, own)),
        None if method == "tools/call" => Err(Refusal::UnknownTool(name.as_str().to_owned())),
        None => Err(Refusal::InvalidParams("no server has that name")),
    }
}

/// The server at which a call of the caller began a task.
pub(super) fn of_task(links: &[Arc<Link>], id: &str) -> Option<Arc<Link>> {
    links
        .iter()
        .find(|link| link.access.tasks.tool(id).is_some())
        .cloned()
}

/// The server that lists a resource with this URI or, if none does, a template that it fits. Two of them could each mean
/// something else by it, so then it is nobody's.
pub(super) async fn of_resource(
    links: &[Arc<Link>],
    uri: &str,
    context: &Context,
) -> Result<Arc<Link>, Refusal> {
    let is_template = |template: &str| {
        let literal = template.split('{').next().unwrap_or_default();
        !literal.is_empty() && uri.starts_with(literal)
    };
    let listed = listing(links, RESOURCES, "uri", context, |known| known == uri).await;
    let found = if listed.is_empty() {
        listing(links, TEMPLATES, "uriTemplate", context, is_template).await
    } else {
        listed
    };
    match found.as_slice() {
        [link] => Ok(Arc::clone(link)),
        [] => Err(Refusal::InvalidParams("no server knows it")),
        _ => Err(Refusal::InvalidParams("several servers claim it")),
    }
}

/// The servers that list such a thing.
async fn listing(
    links: &[Arc<Link>],
    list: List,
    field: &str,
    context: &Context,
    fits: impl Fn(&str) -> bool,
) -> Vec<Arc<Link>> {
    let asking = links
        .iter()
        .map(|link| in_time(all_of(link, list, context)));
    let given = futures_util::future::join_all(asking).await;
    let has = |element: &Zeroizing<Vec<u8>>| {
        let text = parse(element)
            .ok()
            .and_then(|element| element.as_object()?.get(field)?.as_text()?.ok());
        text.is_some_and(|text| fits(&text))
    };
    links
        .iter()
        .zip(given)
        .filter(|(_, given)| given.as_ref().is_ok_and(|given| given.iter().any(has)))
        .map(|(link, _)| Arc::clone(link))
        .collect()
}
