//! One call of a tool on its way to the server: what a model may not say is taken out, what is due is put in.

mod record;
mod request;

use std::collections::BTreeSet;

use ::http::HeaderMap;
use toolvault_core::arguments::Arguments;
use toolvault_core::json::{Kind, Tree, Value, parse};
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Call, Caller};
use zeroize::Zeroizing;

pub(crate) use self::record::{CallRecord, EndedCall, record_ended};
pub(crate) use self::request::ToolRequest;
use super::catalogue::Tool;
use super::context::Context;
use super::link::Link;
use super::listing::hidden;
use super::pending::is_own_input;
use super::protocol::headers::encode_argument;
use super::protocol::{Message, MirroredArguments};
use super::refusal::Refusal;
use super::shared::Shared;

/// A call that is ready to go.
pub(crate) struct Prepared {
    /// The message, its arguments completed.
    pub(crate) message: Tree<'static>,
    /// The protocol's headers, those of injected arguments included.
    pub(crate) headers: HeaderMap,
}

/// What is known of the tool that is called.
struct Target {
    name: ToolName,
    tool: Option<std::sync::Arc<Tool>>,
    /// Declared and not for the model to fill.
    hidden: BTreeSet<String>,
}

/// The arguments of a call; a call without any has none.
pub(crate) fn arguments(message: &Message<'_>) -> Result<Arguments, Refusal> {
    let refused = || Refusal::InvalidParams("'arguments' is not an object");
    match message.param("arguments") {
        None => Ok(Arguments::new()),
        Some(value) if value.is_null() => Ok(Arguments::new()),
        Some(value) => {
            let object = value.as_object().ok_or_else(refused)?;
            Arguments::from_object(object).map_err(|_| refused())
        }
    }
}

/// The names and kinds of what was received, for the audit trail.
pub(crate) fn shape(args: &Arguments) -> Vec<(String, Kind)> {
    let names = args.names();
    names
        .filter_map(|name| {
            let value = parse(args.raw(name)?.as_bytes()).ok()?;
            Some((name.to_owned(), value.kind()))
        })
        .collect()
}

/// Completes a call of the tool that its server calls `name`. The use of each secret is recorded, and what comes
/// back is searched for its value, before this returns.
pub(crate) async fn prepare(
    shared: &Shared,
    caller: &Caller,
    link: &Link,
    message: &Message<'_>,
    name: &str,
    mut headers: HeaderMap,
    record: &mut CallRecord,
) -> Result<Prepared, Refusal> {
    let context = Context::of(message, &headers, link.era);
    let target = target(shared, caller, link, name, &context).await?;
    let server = &link.access.server;
    let mut args = arguments(message)?;
    let is_given = message.param("arguments").is_some();
    let untouched = args.len();
    take_out(
        &mut args,
        target.withheld(&server.settings.credential_arguments),
        server.settings.allow_override,
        record,
    );
    let is_touched = untouched != args.len();
    let (args, applied) = complete(shared, caller, link, &target, args).await?;
    mirror(&target, &args, &mut headers);
    let mut tree = owned(message)?;
    if let Ok(Some(params)) = tree.get_mut("params") {
        let refused = |_| Refusal::InvalidParams("'params' cannot be read");
        params.set("name", Tree::text(name)).map_err(refused)?;
        forget_own_input(params);
        if is_given || is_touched || applied > 0 {
            let mut text = Zeroizing::new(Vec::new());
            args.write_json(&mut text);
            let text = String::from_utf8(std::mem::take(&mut text))
                .map_err(|_| Refusal::InvalidParams("'arguments' is not text"))?;
            params
                .set("arguments", Tree::Raw(Zeroizing::new(text)))
                .map_err(refused)?;
        }
    }
    Ok(Prepared {
        message: tree,
        headers,
    })
}

async fn target(
    shared: &Shared,
    caller: &Caller,
    link: &Link,
    name: &str,
    context: &Context,
) -> Result<Target, Refusal> {
    let server = &link.access.server;
    let unknown = || Refusal::UnknownTool(name.to_owned());
    let full_name = server.name.tool(name).ok_or_else(unknown)?;
    if !caller.reaches_tool(&full_name) {
        return Err(unknown());
    }
    let catalogue = link.catalogue_with(name, context).await?;
    if catalogue.is_ambiguous(name) {
        return Err(unknown());
    }
    let Some(tool) = catalogue.get(name) else {
        // The server may know it all the same; it declares nothing, so it gets nothing.
        return Ok(Target {
            name: full_name,
            tool: None,
            hidden: BTreeSet::new(),
        });
    };
    let rules = shared.rules();
    let within = rules.within(&server.name);
    let names = std::slice::from_ref(&full_name);
    let defaults = shared
        .vault
        .hidden_arguments(caller, names, &within)
        .await?;
    let defaults = defaults.into_iter().next().unwrap_or_default();
    let hidden = hidden(server, tool, &defaults);
    if !tool.can_hide(&hidden) {
        return Err(unknown());
    }
    Ok(Target {
        name: full_name,
        tool: Some(std::sync::Arc::clone(tool)),
        hidden,
    })
}

impl Target {
    /// The arguments that are not taken from a model.
    fn withheld<'a>(&'a self, credentials: &'a BTreeSet<String>) -> &'a BTreeSet<String> {
        if self.tool.is_some() {
            &self.hidden
        } else {
            credentials
        }
    }
}

/// Takes out what a model said for arguments that are hidden from it. Models fill what they do not know with
/// nothing, which is no value; any other is noted.
fn take_out(
    args: &mut Arguments,
    withheld: &BTreeSet<String>,
    allow_override: bool,
    record: &mut CallRecord,
) {
    for name in withheld {
        let Some(raw) = args.raw(name) else { continue };
        let is_empty = matches!(raw, "null" | "\"\"");
        if !is_empty && allow_override {
            continue;
        }
        if !is_empty {
            record.dropped.push(name.clone());
        }
        args.remove(name);
    }
}

async fn complete(
    shared: &Shared,
    caller: &Caller,
    link: &Link,
    target: &Target,
    args: Arguments,
) -> Result<(Arguments, usize), Refusal> {
    if target.hidden.is_empty() {
        return Ok((args, 0));
    }
    let server = &link.access.server;
    let credentials = &server.settings.credential_arguments;
    let call = Call {
        tool: target.name.clone(),
        args,
        bindings: std::collections::BTreeMap::new(),
        accepts: Some(target.hidden.clone()),
        require: target.hidden.intersection(credentials).cloned().collect(),
    };
    let within = shared.rules().within(&server.name);
    let injected = shared.vault.inject(caller, call, &within).await?;
    link.access.given.add(injected.values);
    let applied = injected.completed.applied.len();
    Ok((injected.completed.args, applied))
}

/// Sets the headers in which a server wants hidden arguments repeated; what the client sent there is its own guess.
fn mirror(target: &Target, args: &Arguments, headers: &mut HeaderMap) {
    let Some(tool) = &target.tool else { return };
    let mirrored = tool.definition.mirrored.iter();
    let mirrored = mirrored.flat_map(MirroredArguments::top_level);
    for (argument, name) in mirrored {
        if !target.hidden.contains(argument) {
            continue;
        }
        headers.remove(name);
        let value = args.raw(argument).and_then(|raw| {
            let value: Value<'_> = parse(raw.as_bytes()).ok()?;
            encode_argument(value)
        });
        if let Some(value) = value {
            headers.insert(name.clone(), value);
        }
    }
}

/// Takes out the client's answers to questions of ours.
fn forget_own_input(params: &mut Tree<'_>) {
    let is_empty = match params.get_mut("inputResponses") {
        Ok(Some(answers)) => match answers.members_mut() {
            Ok(Some(members)) => {
                let before = members.len();
                members.retain(|(name, _)| !is_own_input(name));
                members.is_empty() && before > 0
            }
            _ => false,
        },
        _ => false,
    };
    if is_empty {
        let _ = params.remove("inputResponses");
    }
}

/// The message as a tree of its own, each member once: what was judged is what is passed on.
pub(crate) fn owned(message: &Message<'_>) -> Result<Tree<'static>, Refusal> {
    let refused = |_| Refusal::InvalidParams("a name holds half a character");
    let mut tree = Tree::Raw(Zeroizing::new(message.value().raw().to_owned()));
    tree.members_mut().map_err(refused)?;
    if let Some(params) = tree.get_mut("params").map_err(refused)? {
        params.members_mut().map_err(refused)?;
        if let Some(metadata) = params.get_mut("_meta").map_err(refused)? {
            metadata.members_mut().map_err(refused)?;
        }
    }
    Ok(tree)
}
