//! One message of a server on its way to the client: checked, cleaned of hidden arguments, searched for values.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{LoneSurrogate, Object, Tree, Value, parse};
use toolvault_vault::{Caller, TaskAt, Vault};

use crate::mcp::links::{Context, Link};
use crate::mcp::metrics::Metrics;
use crate::mcp::pins::Pins;
use crate::mcp::protocol::{Era, Message, Repaired, Shape, is_same_id, repair};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::rules::Rules;
use crate::mcp::session::{Purpose, Unanswered, UsedSession};
use crate::mcp::visible::{of_page, visible};
use crate::settings::ServerName;

type Text = Wiped<Vec<u8>>;

/// The longest ID or name of an event or a request that may pass, in bytes. No server needs longer ones, and the search in
/// them is not made for long texts.
const LONGEST_ID: usize = 4 << 10;

/// What it takes to relay an answer.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) vault: Vault,
    /// The rules by which the request was answered.
    pub(crate) rules: Arc<Rules>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pins: Arc<Pins>,
    /// Cancelled when the gateway closes.
    pub(crate) stop: CancellationToken,
}

/// How the messages of one exchange go back to the client.
pub(crate) struct Downstream {
    pub(crate) services: Services,
    pub(crate) caller: Caller,
    pub(crate) link: Arc<Link>,
    pub(crate) purpose: Purpose,
    /// The ID of the client's request, as JSON; `None` if it waits for no response.
    pub(crate) id: Option<String>,
    pub(crate) context: Context,
    /// Whether the client gets messages of other servers on the same path, `/mcp`.
    pub(crate) is_shared: bool,
    /// The session, in the earlier era.
    pub(crate) session: Option<UsedSession>,
    /// The tool that was called.
    pub(crate) tool: Option<String>,
}

/// What becomes of a message.
pub(crate) enum Passed {
    /// It goes on, and more may follow.
    Message(Text),
    /// It is the response.
    Response(Text),
    /// It is not for the client.
    Nothing,
}

impl Downstream {
    /// Takes one message of the server.
    pub(crate) async fn pass(&self, text: &[u8]) -> Result<Passed, Refusal> {
        let read = Message::parse(text).and_then(|message| Ok((message, message.shape()?)));
        let Ok((message, shape)) = read else {
            return self.repaired(text).await;
        };
        match shape {
            Shape::Response(id) => self.response(message, id).await,
            Shape::Notification(method) => {
                if method == "notifications/tools/list_changed" {
                    self.link.forget_catalogue().await;
                }
                // Where servers share a path, we acknowledge for all of them.
                if self.is_shared && method == "notifications/subscriptions/acknowledged" {
                    return Ok(Passed::Nothing);
                }
                Ok(Passed::Message(self.redacted(message.value()).await))
            }
            // Only the earlier era lets a server ask. An id that holds a value would carry it past us.
            Shape::Request(id, _) if self.link.era == Era::Legacy && !self.holds_value(id) => {
                let text = self.redacted(message.value()).await;
                Ok(Passed::Message(if self.is_shared {
                    tagged(&self.link.access.server.name, &text, id.raw())
                } else {
                    text
                }))
            }
            Shape::Request(..) => {
                self.note("a server of the later era asks nothing");
                Ok(Passed::Nothing)
            }
        }
    }

    /// A text that is not a message, but perhaps an answer all the same.
    async fn repaired(&self, text: &[u8]) -> Result<Passed, Refusal> {
        match repair(text) {
            Some(Repaired::Message(text)) => Box::pin(self.pass(&text)).await,
            Some(Repaired::Answer(id, defect))
                if parse(id.as_bytes()).is_ok_and(|id| self.request(id).is_some()) =>
            {
                Err(UpstreamError::Unusable(defect).into())
            }
            _ => {
                self.note("it is not a message");
                Ok(Passed::Nothing)
            }
        }
    }

    async fn response(&self, message: Message<'_>, id: Value<'_>) -> Result<Passed, Refusal> {
        let Some(request) = self.request(id) else {
            self.note("it answers a request that was not made here");
            return Ok(Passed::Nothing);
        };
        let Unanswered {
            id: own,
            purpose,
            tool,
        } = request;
        let mut tree = Tree::from(message.value());
        let broken = |_| Refusal::Upstream(UpstreamError::NotMcp);
        tree.set("id", Tree::Raw(Wiped::new(own))).map_err(broken)?;
        if let Some(result) = message.result() {
            let tasks = &self.link.access.tasks;
            match purpose {
                Purpose::Greeting => self.greeting(&mut tree).map_err(broken)?,
                Purpose::Tools | Purpose::MoreTools => {
                    self.tools(purpose, result, &mut tree).await?;
                }
                Purpose::Tasks => tasks.keep_own(result, &mut tree),
                Purpose::Other => {}
            }
            if let Some(tool) = &tool
                && let Some(id) = tasks.note(tool, result)
                && self.session.is_none()
            {
                self.keep_task(&id, tool).await;
            }
            self.private(purpose, result, &mut tree).map_err(broken)?;
        }
        let text = tree.to_json();
        // The whole is read again, so that all of it is searched.
        let message = Message::parse(&text)?;
        Ok(Passed::Response(self.redacted(message.value()).await))
    }

    /// Remembers a task for the other servers. The caller can still reach it through this one if that fails.
    async fn keep_task(&self, id: &str, tool: &str) {
        let server = self.link.access.server.name.as_str();
        let noted = self
            .services
            .vault
            .note_task(&self.caller, TaskAt { server, id }, tool);
        if let Err(error) = noted.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "only this server knows of a task that a tool began");
        }
    }

    /// The request that a response is to: the one of this exchange or, where that waits for none, one of the same
    /// session whose stream ended before its response came.
    fn request(&self, id: Value<'_>) -> Option<Unanswered> {
        match &self.id {
            Some(own) => is_same_id(own, id).then(|| Unanswered {
                id: own.clone(),
                purpose: self.purpose,
                tool: self.tool.clone(),
            }),
            None if self.is_shared => None,
            None => self.session.as_ref()?.take_unanswered(id),
        }
    }

    /// Corrects the capabilities: lists of tools change with the caller's secrets, and a key for some
    /// of the tools reaches nothing else.
    fn greeting(&self, tree: &mut Tree<'_>) -> Result<(), LoneSurrogate> {
        let Some(result) = tree.get_mut("result")? else {
            return Ok(());
        };
        let Some(capabilities) = result.get_mut("capabilities")? else {
            return Ok(());
        };
        if let Some(tools) = capabilities.get_mut("tools")? {
            tools.set("listChanged", Tree::Raw(Wiped::new("true".to_owned())))?;
        }
        let prefix = self.link.access.server.name.prefix();
        if !self.caller.reaches_all_of(&prefix) {
            for capability in ["prompts", "resources", "completions"] {
                capabilities.remove(capability)?;
            }
        }
        Ok(())
    }

    async fn tools(
        &self,
        purpose: Purpose,
        result: Object<'_>,
        tree: &mut Tree<'_>,
    ) -> Result<(), Refusal> {
        let catalogue = if purpose == Purpose::Tools {
            self.link.catalogue_from(result, &self.context).await?
        } else {
            self.link
                .catalogue_corrected_by(result, &self.context)
                .await?
        };
        let access = &self.link.access;
        let server = &access.server;
        let pins = &self.services.pins;
        let pinned = pins.check(&self.caller, access, &catalogue).await?;
        let tools = visible(
            &self.services.vault,
            &self.services.rules,
            &self.caller,
            server,
            of_page(&catalogue, result),
            &pinned,
            false,
        )
        .await?;
        let tools: Vec<Tree<'static>> = tools.iter().map(Tree::detached).collect();
        let broken = |_| Refusal::Upstream(UpstreamError::NotMcp);
        if let Some(result) = tree.get_mut("result").map_err(broken)? {
            result.set("tools", Tree::Array(tools)).map_err(broken)?;
        }
        Ok(())
    }

    /// Marks as private what was made for this caller. A list of tools is valid only until a secret changes.
    fn private(
        &self,
        purpose: Purpose,
        result: Object<'_>,
        tree: &mut Tree<'_>,
    ) -> Result<(), LoneSurrogate> {
        let is_tools = matches!(purpose, Purpose::Tools | Purpose::MoreTools);
        if self.link.era == Era::Legacy || !(is_tools || result.get("cacheScope").is_some()) {
            return Ok(());
        }
        let Some(result) = tree.get_mut("result")? else {
            return Ok(());
        };
        result.set("cacheScope", Tree::text("private"))?;
        if is_tools {
            result.set("ttlMs", Tree::Raw(Wiped::new("0".to_owned())))?;
        }
        Ok(())
    }

    /// The JSON of `value` without the values that were sent to the server.
    pub(crate) async fn redacted(&self, value: Value<'_>) -> Text {
        let (text, is_found) = self.link.access.values.redacted(value).await;
        if is_found {
            self.services.metrics.redacted();
        }
        text
    }

    /// Whether a text of the protocol itself, such as the ID of an event, may pass.
    pub(crate) fn is_harmless(&self, text: &str) -> bool {
        text.len() <= LONGEST_ID && self.link.access.values.is_harmless(text)
    }

    fn holds_value(&self, id: Value<'_>) -> bool {
        match id.as_text() {
            Some(Ok(text)) => !self.is_harmless(&text),
            Some(Err(_)) => true,
            None => !self.is_harmless(id.raw()),
        }
    }

    fn note(&self, why: &'static str) {
        tracing::debug!(
            mcp.server = %self.link.access.server.name,
            why,
            "a message of a server was dropped"
        );
    }
}

/// What separates a server's name from its own ID where several servers ask on one path.
const SEPARATOR: &str = "__";

/// A request of a server under an ID that names the server.
fn tagged(server: &ServerName, text: &[u8], id: &str) -> Text {
    let Ok(message) = Message::parse(text) else {
        return Wiped::default();
    };
    let mut tree = Tree::from(message.value());
    let _ = tree.set("id", Tree::text(&format!("{server}{SEPARATOR}{id}")));
    tree.to_json()
}

/// The server that an ID names, and the ID as the server spelled it.
pub(crate) fn untagged(id: Value<'_>) -> Option<(ServerName, Wiped<String>)> {
    let text = id.as_text()?.ok()?;
    let (server, own) = text.split_once(SEPARATOR)?;
    parse(own.as_bytes()).ok()?;
    Some((server.parse().ok()?, Wiped::new(own.to_owned())))
}
