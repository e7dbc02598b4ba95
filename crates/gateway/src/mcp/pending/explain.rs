//! What a client is told whose call lacks a secret.

use std::collections::HashSet;
use std::fmt::Write as _;

use ::http::StatusCode;
use serde_json::json;
use toolvault_core::json::Value;
use toolvault_core::reference::Reference;
use toolvault_vault::{Error as VaultError, Problem};
use zeroize::Zeroizing;

use super::Wish;
use crate::mcp::call::CallRecord;
use crate::mcp::gateway::Visit;
use crate::mcp::protocol::{self, Era, Message, Shape};
use crate::mcp::refusal::{Refusal, of_problems};
use crate::mcp::reply::McpReply;
use crate::mcp::server::Server;

/// "URL elicitation required" of 2025-11-25, client/elicitation.
const URL_ELICITATION_REQUIRED: i64 = -32042;
/// What the names of our own requests for input begin with.
const INPUT: &str = "toolvault-";

/// A request that could not be made for want of a secret, perhaps.
pub(crate) struct Missing {
    /// The id of a call of a tool; none for any other message.
    call: Option<String>,
    /// The tool of a call that came no further, so that nobody has recorded it.
    unrecorded: Option<String>,
    era: Era,
    can_ask: bool,
}

impl Missing {
    pub(crate) fn of(
        shape: &Shape<'_>,
        era: Era,
        url_elicitation: bool,
        message: &Message<'_>,
    ) -> Self {
        match shape {
            Shape::Request(id, method) if method == "tools/call" => Self {
                unrecorded: message
                    .text_param("name")
                    .map(|name| name.as_str().to_owned()),
                ..Self::of_call(id.raw(), era, url_elicitation, message)
            },
            _ => Self {
                call: None,
                unrecorded: None,
                era,
                can_ask: false,
            },
        }
    }

    pub(crate) fn of_call(
        id: &str,
        era: Era,
        url_elicitation: bool,
        message: &Message<'_>,
    ) -> Self {
        Self {
            call: Some(id.to_owned()),
            unrecorded: None,
            era,
            // Whoever was asked and comes back without it is told in words.
            can_ask: url_elicitation && !was_asked(message),
        }
    }

    /// The answer, if the refusal is about secrets and the message a call; else the refusal.
    pub(crate) fn explain(
        &self,
        visit: &Visit,
        server: &Server,
        refusal: Refusal,
    ) -> Result<McpReply, Refusal> {
        if let Some(name) = &self.unrecorded {
            let tool = server.name.tool(name);
            let record = CallRecord::begin(&visit.shared, &visit.request.caller, tool);
            record.refused(refusal.reason());
        }
        let (Some(id), Refusal::Vault(VaultError::Unresolved(problems))) = (&self.call, &refusal)
        else {
            return Err(in_words(server, refusal));
        };
        let wishes: Vec<Option<Wish>> = problems
            .iter()
            .map(|problem| wish(server, problem))
            .collect();
        let text = match (self.can_ask, wishes.iter().cloned().collect()) {
            (true, Some(wishes)) => self.ask(visit, id, wishes),
            _ => None,
        };
        let text = text.unwrap_or_else(|| self.tell(id, &words(problems, &wishes)));
        Ok(McpReply::whole(StatusCode::OK, Zeroizing::new(text)))
    }

    /// A tool's own error, which the model can read and tell.
    fn tell(&self, id: &str, text: &str) -> Vec<u8> {
        let content = json!([{ "type": "text", "text": text }]);
        let result = match self.era {
            Era::Legacy => json!({ "content": content, "isError": true }),
            Era::Modern => {
                json!({ "content": content, "isError": true, "resultType": "complete" })
            }
        };
        protocol::result(id, result.to_string().as_bytes())
    }

    /// The URLs of our pages; none where there is none to be had.
    fn ask(&self, visit: &Visit, id: &str, wishes: Vec<Wish>) -> Option<Vec<u8>> {
        let shared = &visit.shared;
        let user = visit.request.caller.user();
        let base = visit
            .rules
            .settings
            .public_url
            .as_deref()
            .unwrap_or(&visit.request.base_url);
        let base = base.trim_end_matches('/');
        let mut asked = Vec::new();
        for wish in wishes {
            let text = format!(
                "The server '{}' needs a secret for '{}'. Set it on this page; it goes to no model and no agent.",
                wish.server, wish.argument
            );
            let now = shared.clock.now();
            let page = shared
                .pending
                .ask(user, wish, now, shared.entropy.as_ref())?;
            let url = format!("{base}/mcp-secrets/{page}");
            asked.push((page, url, text));
        }
        Some(match self.era {
            Era::Legacy => {
                let elicitations: Vec<_> = asked
                    .iter()
                    .map(|(page, url, text)| {
                        json!({ "mode": "url", "elicitationId": page, "url": url, "message": text })
                    })
                    .collect();
                let data = json!({ "elicitations": elicitations }).to_string();
                let text = "This tool needs a secret that is not set.";
                protocol::error(Some(id), URL_ELICITATION_REQUIRED, text, Some(&data))
            }
            Era::Modern => {
                let requests: serde_json::Map<String, serde_json::Value> = asked
                    .iter()
                    .map(|(page, url, text)| {
                        let params = json!({ "mode": "url", "url": url, "message": text });
                        let request = json!({ "method": "elicitation/create", "params": params });
                        (format!("{INPUT}{page}"), request)
                    })
                    .collect();
                let result = json!({ "resultType": "input_required", "inputRequests": requests });
                protocol::result(id, result.to_string().as_bytes())
            }
        })
    }
}

/// A refusal for want of secrets in words that say how to set them; any other as it is.
pub(crate) fn in_words(server: &Server, refusal: Refusal) -> Refusal {
    let Refusal::Vault(VaultError::Unresolved(problems)) = &refusal else {
        return refusal;
    };
    let wishes: Vec<Option<Wish>> = problems
        .iter()
        .map(|problem| wish(server, problem))
        .collect();
    Refusal::Lacking(words(problems, &wishes))
}

/// What is wrong, and how to set what would mend it.
fn words(problems: &[Problem], wishes: &[Option<Wish>]) -> String {
    let mut text = of_problems(problems);
    for wish in wishes.iter().flatten() {
        let Wish {
            argument,
            secret_name,
            ..
        } = wish;
        let default = if wish.is_default { " --default" } else { "" };
        let pattern = wish.pattern();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nTo set it: toolvault secret create '{secret_name}' --tool '{pattern}' --arg '{argument}'{default}"
        );
    }
    text
}

/// The secret that would solve a problem, if the configuration alone says which: never a name that a tool chose.
fn wish(server: &Server, problem: &Problem) -> Option<Wish> {
    let argument = problem.location.last()?;
    let is_credential = server.settings.credential_arguments.contains(argument);
    if problem.kind == "secret_missing" && is_credential {
        return Some(Wish {
            server: server.name.clone(),
            argument: argument.clone(),
            secret_name: format!("{}-{argument}", server.name),
            is_default: true,
        });
    }
    let mut names: HashSet<&String> = HashSet::new();
    for (wanted, reference) in &server.wanted {
        match reference {
            Reference::Name(name) if wanted == argument => {
                names.insert(name);
            }
            _ => {}
        }
    }
    let name = names.iter().next().filter(|_| names.len() == 1)?;
    (problem.kind == "secret_not_available").then(|| Wish {
        server: server.name.clone(),
        argument: argument.clone(),
        secret_name: (*name).clone(),
        is_default: false,
    })
}

/// Whether a call comes back with an answer to a question of ours.
fn was_asked(message: &Message<'_>) -> bool {
    message
        .param("inputResponses")
        .and_then(Value::as_object)
        .and_then(|answers| answers.members().ok())
        .is_some_and(|answers| answers.iter().any(|answer| answer.name.starts_with(INPUT)))
}

/// Whether an answer of the client is to a question of ours, and so none of the server's business.
pub(crate) fn is_own_input(name: &str) -> bool {
    name.starts_with(INPUT)
}
