//! Whose a resource or a task is: found out by asking one server after the other, since their names say nothing.

use std::sync::Arc;

use toolvault_core::json::parse;

use super::lists::{List, RESOURCES, TEMPLATES, all_of};
use super::split;
use crate::mcp::era::Era;
use crate::mcp::gateway::Visit;
use crate::mcp::link::{Context, Link};
use crate::mcp::message::Message;
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

/// The server that knows a task.
pub(super) async fn of_task(links: &[Arc<Link>], id: &str, context: &Context) -> Option<Arc<Link>> {
    let params = context.params_with("taskId", id);
    for link in links {
        let asked = link
            .request("tasks/get", Some(&params), context.headers())
            .await;
        let knows = asked.is_ok_and(|(answer, _)| {
            Message::parse(&answer).is_ok_and(|message| message.get("result").is_some())
        });
        if knows {
            return Some(Arc::clone(link));
        }
    }
    None
}

/// The server that lists a resource with this URI, or a template that it fits.
pub(super) async fn of_resource(
    links: &[Arc<Link>],
    uri: &str,
    context: &Context,
) -> Option<Arc<Link>> {
    let is_template = |template: &str| {
        let literal = template.split('{').next().unwrap_or_default();
        !literal.is_empty() && uri.starts_with(literal)
    };
    for link in links {
        if lists(link, RESOURCES, "uri", context, |known| known == uri).await
            || lists(link, TEMPLATES, "uriTemplate", context, is_template).await
        {
            return Some(Arc::clone(link));
        }
    }
    None
}

async fn lists(
    link: &Link,
    list: List,
    field: &str,
    context: &Context,
    fits: impl Fn(&str) -> bool,
) -> bool {
    let Ok(listed) = all_of(link, list, context).await else {
        return false;
    };
    listed.iter().any(|element| {
        let text = parse(element)
            .ok()
            .and_then(|element| element.as_object()?.get(field)?.as_text()?.ok());
        text.is_some_and(|text| fits(&text))
    })
}
