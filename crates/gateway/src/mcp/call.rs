//! One call of a tool, from the client's request to the server's answer: arguments that are hidden from models are
//! taken out, secrets are put in.

mod approval;
mod missing;
mod target;

use std::collections::BTreeSet;
use std::sync::Arc;

use ::http::HeaderMap;
use toolvault_core::arguments::Arguments;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Kind, Tree, Value, parse};
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::{ArgumentPath, Found};
use tracing::Instrument as _;

pub(crate) use self::missing::in_words;
use self::missing::{explain, is_own_input};
pub(crate) use self::target::Target;
use super::answer::McpReply;
use super::conversation::{Conversation, Incoming, owned};
use super::links::{Context, Link, Question};
use super::protocol::headers::encode_argument;
use super::protocol::{Era, MirroredArguments};
use super::record::CallRecord;
use super::refusal::{Refusal, UpstreamError};
use super::secure::{self, ARGUMENTS};
use super::server::Server;
use super::session::Purpose;
use super::state::Visit;
use super::tools::innermost;

/// A `tools/call` of a client.
pub(crate) struct ToolCall<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) conversation: &'a Conversation,
    pub(crate) incoming: &'a Incoming<'a>,
    pub(crate) id: &'a str,
    pub(crate) server: &'a Arc<Server>,
    /// The tool's name at its server.
    pub(crate) name: &'a str,
}

impl ToolCall<'_> {
    /// Completes the call, makes it, and relays the answer.
    pub(crate) async fn answer(self) -> Result<McpReply, Refusal> {
        let recorder = &self.visit.state.recorder;
        let full_name = self.server.name.tool(self.name);
        let record = recorder.begin(self.visit.caller(), self.server, full_name);
        let span = record.span.clone();
        self.make(record).instrument(span).await
    }

    async fn make(self, mut record: CallRecord) -> Result<McpReply, Refusal> {
        let (link, question) = match self.prepare_when_allowed(&mut record).await {
            Ok(prepared) => prepared,
            Err(refusal) => {
                record.refused(refusal.reason());
                return explain(&self, refusal);
            }
        };
        let asked = link.ask(question).await;
        if let Err(error @ UpstreamError::SignIn(_)) = asked {
            let refusal = Refusal::Upstream(error);
            record.refused(refusal.reason());
            return explain(&self, refusal);
        }
        let conversation = self.conversation;
        let mut answering =
            conversation.answering(self.visit, &link, Purpose::Other, Some(self.id));
        answering.downstream.tool = Some(self.name.to_owned());
        answering.record = Some(record);
        match asked {
            Ok(exchange) => Ok(answering.relay(exchange).await),
            Err(UpstreamError::SessionEnded) => {
                answering.fail(&UpstreamError::SessionEnded.into());
                Err(UpstreamError::SessionEnded.into())
            }
            Err(error) => Ok(answering.fail(&error.into())),
        }
    }

    /// The connection, and the call with its secrets. The use of each secret is recorded, and answers are searched for
    /// its value, before this returns.
    ///
    /// `has_waited` if a person was asked about it before.
    async fn prepare(
        &self,
        record: &mut CallRecord,
        has_waited: bool,
    ) -> Result<(Arc<Link>, Question), Refusal> {
        let message = &self.incoming.message;
        let mut args = arguments(message.param("arguments"))?;
        record.arguments = shape(&args);
        let tool = self.server.name.tool(self.name);
        let tool = tool.ok_or(Refusal::UnknownTool)?;
        let (visit, conversation) = (self.visit, self.conversation);
        let link = conversation.link_for_message(visit, self.server, &tool);
        let link = link.await?;
        let mut headers = conversation.headers(Some(self.name))?;
        let known = self.search(&link, &tool, &headers).await?;
        let target = self.target(&link, tool, &conversation.context()).await?;
        let settings = &self.server.settings;
        let withheld = match &target.tool {
            Some(_) => &target.hidden,
            None => &innermost(settings.credential_arguments.iter()),
        };
        let taken = take_out(&mut args, withheld, settings.allow_override);
        record.dropped = taken.dropped;
        let mut tree = owned(message)?;
        let mut sent = Sent {
            arguments: message.param("arguments"),
            answers: Vec::new(),
        };
        if let Ok(Some(params)) = tree.get_mut("params") {
            forget_own_input(params);
            sent.answers = answers(params)?;
        }
        let completed = target.complete(self.visit, &link.access, (&sent, args), has_waited);
        let (mut args, applied) = completed.await?;
        let secure =
            (settings.secure_parameters).then(|| secure::split(&mut args, target.secure()));
        // The values of this call are known from here on, and those of others that began meanwhile.
        if link.access.values.count() != known {
            self.search(&link, &target.name, &headers).await?;
        }
        if conversation.era() == Era::Modern {
            mirror(&target, &args, &mut headers);
        }
        if let Ok(Some(params)) = tree.get_mut("params") {
            let refused = |_| Refusal::InvalidParams("'params' cannot be read");
            params.set("name", Tree::text(self.name)).map_err(refused)?;
            if sent.arguments.is_some() || taken.is_changed || applied > 0 {
                params.set("arguments", json(&args)?).map_err(refused)?;
            }
            if let Some(secure) = secure {
                params.set(ARGUMENTS, json(&secure)?).map_err(refused)?;
            }
        }
        if settings.secure_parameters && conversation.era() == Era::Modern {
            secure::declare(&mut tree)
                .map_err(|_| Refusal::InvalidParams("'_meta' cannot be read"))?;
        }
        let question = link.post(headers, tree.to_json());
        Ok((link, question))
    }

    /// Searches the call and its headers for the values that are known, and returns how many are.
    async fn search(
        &self,
        link: &Link,
        tool: &ToolName,
        headers: &HeaderMap,
    ) -> Result<u64, Refusal> {
        let known = link.access.values.count();
        let sent = self.incoming.message.value();
        self.visit.search(&link.access, tool, sent).await?;
        self.visit
            .search_headers(&link.access, tool, headers)
            .await?;
        Ok(known)
    }

    async fn target(
        &self,
        link: &Link,
        tool: ToolName,
        context: &Context,
    ) -> Result<Target, Refusal> {
        let (visit, server) = (self.visit, self.server);
        let catalogue = link.catalogue_with(self.name, context).await?;
        let (state, rules, caller) = (&visit.state, &visit.rules, visit.caller());
        let pinned = state.pins.check(caller, &link.access, &catalogue).await?;
        Target::find(
            &state.vault,
            rules,
            caller,
            server,
            tool,
            &catalogue,
            &pinned,
        )
        .await
    }
}

/// The arguments of a call; a call without any has none.
pub(crate) fn arguments(sent: Option<Value<'_>>) -> Result<Arguments, Refusal> {
    let refused = || Refusal::InvalidParams("'arguments' is not an object");
    match sent {
        None => Ok(Arguments::new()),
        Some(value) if value.is_null() => Ok(Arguments::new()),
        Some(value) => {
            let object = value.as_object().ok_or_else(refused)?;
            Arguments::from_object(object).map_err(|_| refused())
        }
    }
}

/// What a client sent for a call.
pub(crate) struct Sent<'a> {
    pub(crate) arguments: Option<Value<'a>>,
    pub(crate) answers: Answers,
}

/// The members of a request that answer what the server asked before, each as JSON.
pub(crate) type Answers = Vec<(&'static str, Wiped<Vec<u8>>)>;

/// Those of the parameters of a call.
pub(crate) fn answers(params: &mut Tree<'_>) -> Result<Answers, Refusal> {
    let mut answers = Answers::new();
    for name in ["inputResponses", "requestState"] {
        let refused = |_| Refusal::InvalidParams("a name holds half a character");
        if let Some(answer) = params.get_mut(name).map_err(refused)? {
            answers.push((name, answer.to_json()));
        }
    }
    Ok(answers)
}

/// Arguments as JSON.
pub(crate) fn json(args: &Arguments) -> Result<Tree<'static>, Refusal> {
    let mut text = Wiped::new(Vec::new());
    args.write_json(&mut text);
    let text = String::from_utf8(std::mem::take(&mut text))
        .map_err(|_| Refusal::InvalidParams("'arguments' is not text"))?;
    Ok(Tree::Raw(Wiped::new(text)))
}

/// The names and kinds of arguments, for the audit trail.
pub(crate) fn shape(args: &Arguments) -> Vec<(String, Kind)> {
    let names = args.names();
    names
        .filter_map(|name| {
            let value = parse(args.raw(name)?.as_bytes()).ok()?;
            Some((name.to_owned(), value.kind()))
        })
        .collect()
}

/// What was taken out of a call.
#[derive(Default)]
pub(crate) struct TakenOut {
    pub(crate) is_changed: bool,
    /// The arguments for which the model sent a value.
    pub(crate) dropped: Vec<String>,
}

/// Takes out what a model sent for arguments that are hidden from it. Models send `null` or an empty text for what they
/// do not know; any other value counts as dropped.
pub(crate) fn take_out(
    args: &mut Arguments,
    withheld: &BTreeSet<String>,
    allow_override: bool,
) -> TakenOut {
    let mut taken = TakenOut::default();
    for path in paths(withheld) {
        let is_empty = |path| {
            let found = args.at(path);
            matches!(found, Found::Value(value) if matches!(value.raw(), "null" | "\"\""))
        };
        // An empty text instead of the object that would hold the argument stands for no object.
        let empty = path.holders().chain([path]).find(|path| is_empty(*path));
        if let Some(empty) = empty {
            args.remove(empty);
        } else if !allow_override && matches!(args.at(path), Found::Value(_)) {
            taken.dropped.push(path.as_str().to_owned());
            args.remove(path);
        } else {
            continue;
        }
        taken.is_changed = true;
    }
    taken
}

/// Sets the headers that repeat hidden arguments. What the client sent there is removed: it is a guess. The headers of
/// other arguments are the client's: the server compares them with the arguments, and refuses a call without them.
fn mirror(target: &Target, args: &Arguments, headers: &mut HeaderMap) {
    let Some(tool) = &target.tool else { return };
    let mirrored = tool.definition.mirrored.iter();
    for (steps, name) in mirrored.flat_map(MirroredArguments::iter) {
        let pointer = ArgumentPath::pointer(steps);
        let Ok(argument) = ArgumentPath::parse(&pointer) else {
            continue;
        };
        if !paths(&target.hidden).any(|path| path.is_at(argument) || path.holds(argument)) {
            continue;
        }
        headers.remove(name);
        if let Found::Value(value) = args.at(argument)
            && let Some(value) = encode_argument(value)
        {
            headers.insert(name.clone(), value);
        }
    }
}

fn paths(arguments: &BTreeSet<String>) -> impl Iterator<Item = ArgumentPath<'_>> {
    let paths = arguments.iter();
    paths.filter_map(|argument| ArgumentPath::parse(argument).ok())
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
