//! One call of a tool from the client's request to the server's answer.

use std::sync::Arc;

use ::http::HeaderMap;

use super::{CallRecord, Prepared, arguments, prepare, shape};
use crate::mcp::context::Context;
use crate::mcp::downstream::Purpose;
use crate::mcp::gateway::Visit;
use crate::mcp::link::Link;
use crate::mcp::pending::Missing;
use crate::mcp::protocol::Message;
use crate::mcp::refusal::Refusal;
use crate::mcp::reply::{McpReply, Pending};
use crate::mcp::session::Session;
use crate::mcp::stream::Announcement;
use crate::mcp::upstream::UpstreamError;

/// A call as its client made it.
pub(crate) struct ToolRequest<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) link: Arc<Link>,
    pub(crate) message: Message<'a>,
    pub(crate) id: &'a str,
    /// The tool's name at its server.
    pub(crate) name: &'a str,
    /// The protocol's headers; empty in the earlier era.
    pub(crate) headers: HeaderMap,
    /// Whether the client can send its user to a URL.
    pub(crate) url_elicitation: bool,
    /// The session, in the earlier era.
    pub(crate) session: Option<Arc<Session>>,
}

impl ToolRequest<'_> {
    /// Completes the call, makes it, and relays the answer.
    pub(crate) async fn answer(self) -> Result<McpReply, Refusal> {
        let shared = &self.visit.shared;
        let caller = &self.visit.request.caller;
        let link = &self.link;
        let server = &link.access.server;
        let full_name = server.name.tool(self.name);
        let mut record = CallRecord::begin(shared, caller, full_name);
        let context = Context::of(&self.message, &self.headers, link.era);
        let received = arguments(&self.message).map(|args| shape(&args));
        let prepared = match received {
            Ok(received) => {
                record.arguments = received;
                self.prepare(&mut record).await
            }
            Err(refusal) => Err(refusal),
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => {
                record.refused(refusal.reason());
                let missing =
                    Missing::of_call(self.id, link.era, self.url_elicitation, &self.message);
                return missing.explain(self.visit, server, refusal);
            }
        };
        let mut downstream = self
            .visit
            .way_back(link, Purpose::Other, Some(self.id), context);
        downstream.session = self.session;
        downstream.tool = Some(self.name.to_owned());
        let mut pending = Pending {
            downstream,
            record: Some(record),
            announcement: Announcement::None,
        };
        let question = link.post(prepared.headers, prepared.message.to_json());
        match link.ask(question).await {
            Ok(exchange) => Ok(pending.relay(exchange).await),
            Err(UpstreamError::SessionEnded) => {
                pending.fail(&UpstreamError::SessionEnded.into());
                Err(UpstreamError::SessionEnded.into())
            }
            Err(error) => Ok(pending.fail(&error.into())),
        }
    }

    async fn prepare(&self, record: &mut CallRecord) -> Result<Prepared, Refusal> {
        prepare(
            &self.visit.shared,
            &self.visit.request.caller,
            &self.link,
            &self.message,
            self.name,
            self.headers.clone(),
            record,
        )
        .await
    }
}
