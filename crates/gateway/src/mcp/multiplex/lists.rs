//! Lists of several servers as one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, parse};

use crate::mcp::access::Access;
use crate::mcp::links::{Context, Link, List};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::server::Server;
use crate::mcp::state::Visit;
use crate::mcp::visible::{of_catalogue, visible};

/// How long one server may take while the others wait.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const RESOURCES: List = List {
    method: "resources/list",
    member: "resources",
};
pub(super) const TEMPLATES: List = List {
    method: "resources/templates/list",
    member: "resourceTemplates",
};
const PROMPTS: List = List {
    method: "prompts/list",
    member: "prompts",
};

type Text = Wiped<Vec<u8>>;

/// The list that a method asks for; tools are listed by [`tools`].
pub(super) fn of(method: &str) -> Option<List> {
    [PROMPTS, RESOURCES, TEMPLATES]
        .into_iter()
        .find(|list| list.method == method)
}

/// The answer of one server, if it comes within the time that others wait.
pub(super) async fn in_time<T>(
    asking: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::time::timeout(TIMEOUT, asking)
        .await
        .unwrap_or(Err(UpstreamError::Silent.into()))
}

/// Leaves a server out for a while because of a refusal, and logs it. A server that only forgot its session gets a new
/// one, and one whose credential is missing is asked again as soon as it is set.
pub(super) fn leave_out(access: &Access, refusal: &Refusal) {
    refusal.log(Some(access.server.name.as_str()));
    match refusal {
        // Noted already.
        Refusal::Upstream(UpstreamError::SessionEnded | UpstreamError::SignIn(_)) => {}
        Refusal::Upstream(_) => access.leave_out(),
        _ => {}
    }
}

/// What the servers answered. Those that did not are left out for a while.
fn of_all<T>(links: &[Arc<Link>], answers: Vec<Result<T, Refusal>>) -> Result<Vec<T>, Refusal> {
    let mut all = Vec::with_capacity(answers.len());
    for (link, answer) in links.iter().zip(answers) {
        match answer {
            Ok(answer) => all.push(answer),
            // This is our own failure; that of one server is not told.
            Err(Refusal::Vault(error)) => return Err(Refusal::Vault(error)),
            Err(refusal) => leave_out(&link.access, &refusal),
        }
    }
    Ok(all)
}

/// The tools of all these servers that the caller may see, as the elements of a JSON array.
pub(super) async fn tools(
    visit: &Visit,
    links: &[Arc<Link>],
    context: &Context,
) -> Result<Vec<Text>, Refusal> {
    let listing = links
        .iter()
        .map(|link| in_time(tools_of(visit, link, context)));
    let tools = of_all(links, join_all(listing).await)?;
    let mut tools: Vec<Text> = tools.into_iter().flatten().collect();
    for server in visit.rules.reachable(visit.caller()) {
        if visit.upstream(&server).access.needs_sign_in() {
            tools.push(Wiped::new(sign_in_tool(&server)));
        }
    }
    Ok(tools)
}

/// What stands for the tools of a server that wants a sign-in. A call of any tool of it says where to sign in.
fn sign_in_tool(server: &Server) -> Vec<u8> {
    let name = &server.name;
    let tool = json!({
        "name": format!("{}sign_in", name.prefix()),
        "title": format!("Sign in at {name}"),
        "description": format!(
            "The tools of the server '{name}' can be used after a person signs in. Call this to learn where."
        ),
        "inputSchema": { "type": "object" },
    });
    tool.to_string().into_bytes()
}

async fn tools_of(visit: &Visit, link: &Link, context: &Context) -> Result<Vec<Text>, Refusal> {
    link.forget_catalogue().await;
    let catalogue = link.catalogue(context).await?;
    let (state, caller) = (&visit.state, visit.caller());
    let pinned = state.pins.check(caller, &link.access, &catalogue).await?;
    let visible = visible(
        &state.vault,
        &visit.rules,
        caller,
        &link.access.server,
        of_catalogue(&catalogue),
        &pinned,
        true,
    )
    .await?;
    let mut cleaned = Vec::with_capacity(visible.len());
    for tool in visible {
        cleaned.push(clean(link, &tool.to_json()).await?);
    }
    Ok(cleaned)
}

/// Everything else that these servers list.
pub(super) async fn others(
    links: &[Arc<Link>],
    list: List,
    context: &Context,
) -> Result<Vec<Text>, Refusal> {
    let listing = links
        .iter()
        .map(|link| in_time(all_of(link, list, context)));
    let found = of_all(links, join_all(listing).await)?;
    Ok(found.into_iter().flatten().collect())
}

/// Everything of one kind that a server lists, without values that were sent to it. Names of prompts begin with that of
/// the server.
pub(super) async fn all_of(
    link: &Link,
    list: List,
    context: &Context,
) -> Result<Vec<Text>, Refusal> {
    let mut listed = Vec::new();
    link.pages(list, None, context, |elements| {
        for element in elements {
            let mut tree = Tree::from(element);
            if list.method == PROMPTS.method {
                rename(link, &mut tree);
            }
            listed.push(tree.to_json());
        }
    })
    .await?;
    let mut found = Vec::with_capacity(listed.len());
    for element in listed {
        found.push(clean(link, &element).await?);
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

/// An element without values that were sent to its server.
async fn clean(link: &Link, element: &[u8]) -> Result<Text, Refusal> {
    let value = parse(element).map_err(|_| UpstreamError::NotMcp)?;
    Ok(link.access.values.redacted(value).await.0)
}

/// A JSON object with one array of these elements, and further members.
pub(super) fn object(member: &str, elements: &[Text], further: &str) -> Vec<u8> {
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
