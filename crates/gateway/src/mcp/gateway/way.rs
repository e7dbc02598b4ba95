//! Which way a request takes: its era, and one server or all.

use std::sync::Arc;

use ::http::{Method, StatusCode};
use toolvault_core::scope::Scope;
use toolvault_vault::Denial;

use crate::mcp::answer::{Announcement, McpReply};
use crate::mcp::conversation::{Conversation, Incoming};
use crate::mcp::eras::{legacy, modern};
use crate::mcp::protocol::headers::{PROTOCOL_VERSION, SESSION_ID};
use crate::mcp::protocol::{Era, Malformed, Shape, is_modern};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::server::Server;
use crate::mcp::session::{Purpose, UsedSession};
use crate::mcp::state::Visit;
use crate::mcp::{multiplex, one};
use crate::settings::ServerName;

impl Visit {
    pub(super) async fn answer(&self) -> McpReply {
        match Box::pin(self.try_answer()).await {
            Ok(reply) => reply,
            Err((refusal, id)) => {
                refusal.log(self.server_name());
                let refusal = self.with_page(refusal);
                let mut reply = McpReply::refused(&refusal, id.as_deref(), false);
                // An error with status 200 is an answer to a request only.
                if id.is_none() && reply.status == StatusCode::OK {
                    reply.status = StatusCode::BAD_GATEWAY;
                }
                reply
            }
        }
    }

    /// The server that the client names, if there is one of that name.
    fn server_name(&self) -> Option<&str> {
        let name = self.request.server.as_deref()?;
        let servers = &self.rules.servers;
        servers
            .keys()
            .map(ServerName::as_str)
            .find(|known| *known == name)
    }

    async fn try_answer(&self) -> Result<McpReply, (Refusal, Option<String>)> {
        let nameless = |refusal: Refusal| (refusal, None);
        let caller = self.caller();
        if !caller.scopes().contains(Scope::Use) {
            let denial = Denial::MissingScope(Scope::Use);
            return Err(nameless(Refusal::Vault(denial.into())));
        }
        let name = self.request.server.as_deref();
        let server = name.map(|name| self.rules.server(caller, name));
        let server = server.transpose().map_err(nameless)?;
        if self.request.method != Method::POST {
            return self.without_message(server).await.map_err(nameless);
        }
        let incoming = Incoming::parse(&self.request.body).map_err(|bad| nameless(bad.into()))?;
        // A call sent without an ID would escape the checks for requests.
        if let Shape::Notification(method) = &incoming.shape
            && !method.starts_with("notifications/")
        {
            return Err(nameless(Malformed::NotMessage.into()));
        }
        let answered = match incoming.check_size() {
            Ok(()) => self.message(server, &incoming).await,
            Err(refusal) => Err(refusal),
        };
        answered.map_err(|refusal| (refusal, incoming.id().map(str::to_owned)))
    }

    /// Answers a POST.
    async fn message(
        &self,
        server: Option<&Arc<Server>>,
        incoming: &Incoming<'_>,
    ) -> Result<McpReply, Refusal> {
        let conversation = match Era::of(&incoming.message, &self.request.headers) {
            Era::Legacy => {
                if let Shape::Request(id, method) = &incoming.shape
                    && method == "initialize"
                {
                    let message = &incoming.message;
                    return match server {
                        Some(server) => legacy::initialize(self, server, message, *id).await,
                        None => multiplex::initialize(self, message, id.raw()).await,
                    };
                }
                let session = self.session(server)?;
                if incoming.method() == "notifications/cancelled"
                    && let Some(id) = incoming.message.param("requestId")
                {
                    session.cancel_waiting(id);
                }
                if Purpose::of(incoming.method(), &incoming.message) == Purpose::Tools {
                    session.note_listing(&self.state.vault);
                }
                Conversation::Session(session)
            }
            // "The client MUST NOT send JSON-RPC responses."
            Era::Modern if matches!(incoming.shape, Shape::Response(_)) => {
                return Ok(McpReply::empty(StatusCode::BAD_REQUEST));
            }
            Era::Modern => modern::conversation(self, server.map(AsRef::as_ref), incoming)?,
        };
        let Some(server) = server else {
            return multiplex::answer(self, &conversation, incoming).await;
        };
        let answered = one::answer(self, &conversation, server, incoming, None).await;
        if let Err(Refusal::Upstream(UpstreamError::SessionEnded)) = answered
            && let Conversation::Session(session) = &conversation
        {
            session.end().await;
        }
        answered
    }

    /// The session that the request names, if it is this caller's and was begun on the same path.
    fn session(&self, server: Option<&Arc<Server>>) -> Result<UsedSession, Refusal> {
        let id = self.request.header(SESSION_ID).ok_or(Refusal::NoSession)?;
        let name = server.map(|server| &server.name);
        let session = self.state.sessions.find(id, self.caller(), name);
        session.ok_or(Refusal::NoSuchSession)
    }

    /// Answers a GET, which opens a stream of a session, or a DELETE, which ends a session.
    async fn without_message(&self, server: Option<&Arc<Server>>) -> Result<McpReply, Refusal> {
        let version = self.request.header(PROTOCOL_VERSION);
        if version.is_some_and(is_modern) {
            return Ok(McpReply::empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        let session = self.session(server)?;
        if self.request.method == Method::DELETE {
            session.end().await;
            return Ok(McpReply::empty(StatusCode::OK));
        }
        let Some(server) = server else {
            return multiplex::listen(self, session).await;
        };
        let conversation = Conversation::Session(session.clone());
        let link = conversation.link(self, server, &server.tool).await?;
        let headers = legacy::headers_of_stream(self, &link);
        self.search_headers(&link.access, &server.tool, &headers)
            .await?;
        let relay = legacy::listen(self, &conversation, &link, Announcement::Plain);
        Ok(legacy::stream(self, &session, relay.run()))
    }
}
