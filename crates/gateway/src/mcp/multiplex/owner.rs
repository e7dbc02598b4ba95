//! The server that a request concerns: its name says it, or the servers are asked which of them knows the resource or
//! the task.

use std::sync::Arc;

use toolvault_core::confidential::Wiped;
use toolvault_core::json::parse;

use super::lists::{RESOURCES, TEMPLATES, all_of, in_time};
use crate::mcp::access::asked_for;
use crate::mcp::conversation::Incoming;
use crate::mcp::links::{Context, Link, List};
use crate::mcp::protocol::Era;
use crate::mcp::refusal::Refusal;
use crate::mcp::server::Server;
use crate::mcp::state::Visit;
use crate::settings::ServerName;

/// The server that a request concerns.
pub(super) enum Owner {
    /// This one, which knows it under this name.
    One(Arc<Server>, String),
    /// One that has to be found.
    Unknown,
}

/// What a request itself says. A method of which we do not know whom it concerns is an error in the later era.
pub(super) fn of(visit: &Visit, era: Era, incoming: &Incoming<'_>) -> Result<Owner, Refusal> {
    let (message, method) = (&incoming.message, incoming.method());
    let name = match method {
        "tools/call" | "prompts/get" => message.text_param("name"),
        "completion/complete" => {
            let named = message
                .param("ref")
                .and_then(|named| named.as_object()?.get("name"));
            match named.and_then(|name| name.as_text()?.ok()) {
                Some(name) => Some(name),
                None => return Ok(Owner::Unknown),
            }
        }
        "tools/list" | "prompts/list" => return Ok(Owner::Unknown),
        "logging/setLevel" if era == Era::Legacy => return Ok(Owner::Unknown),
        _ if method.starts_with("resources/") || method.starts_with("tasks/") => {
            return Ok(Owner::Unknown);
        }
        _ => return Err(Refusal::MethodNotFound(era)),
    };
    let name = name.ok_or(Refusal::InvalidParams("'name' is not text"))?;
    let split = ServerName::split(&name).and_then(|(server, own)| {
        let server = visit.rules.server(visit.caller(), server.as_str()).ok()?;
        Some((Arc::clone(server), own.to_owned()))
    });
    match split {
        Some((server, own)) => Ok(Owner::One(server, own)),
        None if method == "tools/call" => Err(Refusal::UnknownTool),
        None => Err(Refusal::InvalidParams("no server has that name")),
    }
}

/// The server that knows the task or the resource.
pub(super) async fn find(
    visit: &Visit,
    era: Era,
    links: &[Arc<Link>],
    incoming: &Incoming<'_>,
    context: &Context,
) -> Result<Arc<Link>, Refusal> {
    let message = &incoming.message;
    if let Some(task) = asked_for(incoming.method(), message)? {
        if era == Era::Modern {
            for access in links.iter().map(|link| &link.access) {
                let (vault, server) = (&visit.state.vault, access.server.name.as_str());
                access
                    .tasks
                    .look_up(vault, visit.caller(), server, &task)
                    .await;
            }
        }
        let link = links
            .iter()
            .find(|link| link.access.tasks.tool(&task).is_some());
        return link
            .cloned()
            .ok_or(Refusal::InvalidParams("there is no such task"));
    }
    let uri = message.text_param("uri").or_else(|| {
        let named = message.param("ref")?.as_object()?;
        named.get("uri")?.as_text()?.ok()
    });
    let uri = uri.ok_or(Refusal::InvalidParams("'uri' is not text"))?;
    of_resource(links, &uri, context).await
}

/// The server that lists a resource with this URI or, if none does, a template that it fits. A URI that two servers list
/// is refused, because each could mean something else by it.
async fn of_resource(
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

/// The servers that list an element whose `field` fits.
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
    let listed = futures_util::future::join_all(asking).await;
    let has = |element: &Wiped<Vec<u8>>| {
        let text = parse(element)
            .ok()
            .and_then(|element| element.as_object()?.get(field)?.as_text()?.ok());
        text.is_some_and(|text| fits(&text))
    };
    links
        .iter()
        .zip(listed)
        .filter(|(_, listed)| listed.as_ref().is_ok_and(|listed| listed.iter().any(has)))
        .map(|(link, _)| Arc::clone(link))
        .collect()
}
