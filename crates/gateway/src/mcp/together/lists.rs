//! Lists of several servers as one.

use std::sync::Arc;

use toolvault_core::json::{Tree, Value};
use zeroize::Zeroizing;

use crate::mcp::catalogue::MOST_TOOLS;
use crate::mcp::gateway::Visit;
use crate::mcp::link::{Context, Link};
use crate::mcp::listing::{of_catalogue, visible};
use crate::mcp::message::Message;
use crate::mcp::refusal::Refusal;

const MOST_PAGES: usize = 1_000;

/// What of a server's is listed.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) method: &'static str,
    pub(super) member: &'static str,
    /// Whether names are told apart by the server's.
    is_named: bool,
}

pub(super) const RESOURCES: List = List {
    method: "resources/list",
    member: "resources",
    is_named: false,
};
pub(super) const TEMPLATES: List = List {
    method: "resources/templates/list",
    member: "resourceTemplates",
    is_named: false,
};
const PROMPTS: List = List {
    method: "prompts/list",
    member: "prompts",
    is_named: true,
};

impl List {
    /// The list that a method asks for; tools are listed in a way of their own.
    pub(super) fn of(method: &str) -> Option<Self> {
        [PROMPTS, RESOURCES, TEMPLATES]
            .into_iter()
            .find(|list| list.method == method)
    }
}

/// The tools of all these servers that the caller may see, as the elements of a JSON array. A server that does not answer
/// is left out, and said so in the log.
pub(super) async fn tools(
    visit: &Visit,
    links: &[Arc<Link>],
    context: &Context,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Refusal> {
    let listing = links.iter().map(|link| tools_of(visit, link, context));
    let mut tools = Vec::new();
    for (link, listed) in links
        .iter()
        .zip(futures_util::future::join_all(listing).await)
    {
        match listed {
            Ok(listed) => tools.extend(listed),
            // Ours to tell; a server's failure leaves the others'.
            Err(Refusal::Vault(error)) => return Err(Refusal::Vault(error)),
            Err(refusal) => refusal.log(Some(link.access.server.name.as_str())),
        }
    }
    Ok(tools)
}

async fn tools_of(
    visit: &Visit,
    link: &Link,
    context: &Context,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Refusal> {
    link.forget_catalogue().await;
    let catalogue = link.catalogue(context).await?;
    let visible = visible(
        &visit.shared.vault,
        &visit.rules,
        &visit.request.caller,
        &link.access.server,
        of_catalogue(&catalogue),
        true,
    )
    .await?;
    Ok(visible.iter().map(|tool| clean(link, tool)).collect())
}

/// Everything else that these servers list.
pub(super) async fn others(
    links: &[Arc<Link>],
    list: List,
    context: &Context,
) -> Vec<Zeroizing<Vec<u8>>> {
    let listing = links.iter().map(|link| all_of(link, list, context));
    let mut found = Vec::new();
    for (link, listed) in links
        .iter()
        .zip(futures_util::future::join_all(listing).await)
    {
        match listed {
            Ok(listed) => found.extend(listed),
            Err(refusal) => refusal.log(Some(link.access.server.name.as_str())),
        }
    }
    found
}

/// Everything of one kind that a server lists, on all pages.
pub(super) async fn all_of(
    link: &Link,
    list: List,
    context: &Context,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Refusal> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let params = context.params(cursor.as_deref());
        let (answer, _) = link
            .request(list.method, Some(&params), context.headers())
            .await?;
        let message = Message::parse(&answer)?;
        // A server without such a thing answers with an error.
        let Some(result) = message.result() else {
            break;
        };
        let array = result.get(list.member).and_then(Value::as_array);
        for element in array.into_iter().flat_map(|array| array.elements()) {
            let mut tree = Tree::from(element);
            if list.is_named {
                rename(link, &mut tree);
            }
            found.push(clean(link, &tree));
        }
        let next = result
            .get("nextCursor")
            .and_then(|next| next.as_text()?.ok());
        cursor = next.map(|next| next.as_str().to_owned());
        if cursor.is_none() || found.len() > MOST_TOOLS {
            break;
        }
    }
    Ok(found)
}

fn rename(link: &Link, tree: &mut Tree<'_>) {
    let name = match tree.get_mut("name") {
        Ok(Some(name)) => name.as_text(),
        _ => None,
    };
    if let Some(name) = name {
        let name = format!("{}{}", link.access.server.name.prefix(), name.as_str());
        let _ = tree.set("name", Tree::text(&name));
    }
}

/// An element without anything that was given to its server.
fn clean(link: &Link, tree: &Tree<'_>) -> Zeroizing<Vec<u8>> {
    let text = tree.to_json();
    let Some(redactor) = link.access.given.redactor() else {
        return text;
    };
    let Ok(value) = toolvault_core::json::parse(&text) else {
        return text;
    };
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    redactor.json(value, &mut out);
    out
}

/// A JSON object with one array of these elements, and further members.
pub(super) fn object(member: &str, elements: &[Zeroizing<Vec<u8>>], further: &str) -> Vec<u8> {
    let mut out = format!("{{\"{member}\":[").into_bytes();
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(element);
    }
    out.push(b']');
    out.extend_from_slice(further.as_bytes());
    out.push(b'}');
    out
}
