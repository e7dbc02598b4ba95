//! What a client is told if its call lacks something that a person can give: a secret, a sign-in or an approval.

use std::collections::HashSet;
use std::fmt::Write as _;

use ::http::StatusCode;
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::hexadecimal;
use toolvault_core::json::Value;
use toolvault_core::reference::Reference;
use toolvault_core::terminal::shell_word;
use toolvault_vault::{Error as VaultError, Problem, Waiting};

use super::ToolCall;
use crate::mcp::answer::McpReply;
use crate::mcp::pending::MissingSecret;
use crate::mcp::protocol::{self, Era, Message};
use crate::mcp::refusal::{NeededSignIn, Refusal, UpstreamError, of_problems};
use crate::mcp::server::Server;

/// "URL elicitation required" of 2025-11-25, client/elicitation.
const URL_ELICITATION_REQUIRED: i64 = -32042;
/// What the names of our own requests for input begin with.
const INPUT: &str = "toolvault-";

/// The answer to a call that was refused. A user who was asked and comes back is told in words. A missing secret is
/// explained in a result that the model can read or, if the client can open URLs, with a page on which its user can set
/// the secret. So are a sign-in and an approval. A tool that changed is explained in a result, too. Any other refusal
/// stays one.
pub(super) fn explain(call: &ToolCall<'_>, refusal: Refusal) -> Result<McpReply, Refusal> {
    let can_ask = call.conversation.opens_urls() && !was_asked(&call.incoming.message);
    let problems = match &refusal {
        Refusal::Vault(VaultError::Unresolved(problems)) => problems,
        Refusal::Upstream(UpstreamError::SignIn(needed)) => {
            return Ok(sign_in(call, needed, can_ask));
        }
        Refusal::AwaitsApproval(waiting) => {
            return Ok(awaits_approval(call, waiting));
        }
        Refusal::ToolChanged(text) | Refusal::NotApproved(_, text) => {
            let text = Wiped::new(tell(call, text));
            return Ok(McpReply::whole(StatusCode::OK, text));
        }
        _ => return Err(refusal),
    };
    let secrets = missing(call.server, problems);
    let text = match (can_ask, secrets.iter().cloned().collect()) {
        (true, Some(secrets)) => ask(call, secrets),
        _ => None,
    };
    let text = text.unwrap_or_else(|| tell(call, &words(problems, &secrets)));
    Ok(McpReply::whole(StatusCode::OK, Wiped::new(text)))
}

/// A tool's own error, which the model can read and tell.
fn tell(call: &ToolCall<'_>, text: &str) -> Vec<u8> {
    let content = json!([{ "type": "text", "text": text }]);
    let result = match call.conversation.era() {
        Era::Legacy => json!({ "content": content, "isError": true }),
        Era::Modern => json!({ "content": content, "isError": true, "resultType": "complete" }),
    };
    protocol::result(call.id, result.to_string().as_bytes())
}

/// The URLs of our pages; `None` if one cannot be made.
fn ask(call: &ToolCall<'_>, secrets: Vec<MissingSecret>) -> Option<Vec<u8>> {
    let visit = call.visit;
    let base = visit.base_url();
    let mut asked = Vec::new();
    for secret in secrets {
        let text = format!(
            "The server '{}' needs a secret for '{}'. Set it on this page; it goes to no model and no agent.",
            secret.server, secret.argument
        );
        let page = visit.state.pending.ask(visit.caller().user(), secret)?;
        let url = format!("{base}/mcp-secrets/{page}");
        asked.push((page, url, text));
    }
    Some(open_urls(
        call,
        &asked,
        "This tool needs a secret that is not set.",
    ))
}

/// The page on which the person signs in at a server.
fn sign_in(call: &ToolCall<'_>, needed: &NeededSignIn, can_ask: bool) -> McpReply {
    let page = needed.page(call.visit.base_url());
    let told = needed.text(&page);
    let mut bytes = [0; 16];
    let text = if can_ask && call.visit.state.entropy.fill(&mut bytes).is_ok() {
        let asked = [(hexadecimal(&bytes), page, told)];
        open_urls(call, &asked, "This tool needs a sign-in at its server.")
    } else {
        tell(call, &told)
    };
    McpReply::whole(StatusCode::OK, Wiped::new(text))
}

/// The page on which a person decides about a call. A client that was sent there once waits the next time.
fn awaits_approval(call: &ToolCall<'_>, waiting: &Waiting) -> McpReply {
    let (page, told) = call.visit.where_to_decide(waiting);
    let text = if waiting.is_new && call.conversation.opens_urls() {
        let asked = [(waiting.id.0.simple().to_string(), page, told)];
        open_urls(call, &asked, "A person must allow this call.")
    } else {
        tell(call, &told)
    };
    McpReply::whole(StatusCode::OK, Wiped::new(text))
}

/// Asks the client to send its user to each URL, which has an ID and a text.
fn open_urls(call: &ToolCall<'_>, asked: &[(String, String, String)], text: &str) -> Vec<u8> {
    match call.conversation.era() {
        Era::Legacy => {
            let elicitations: Vec<_> = asked
                .iter()
                .map(|(page, url, text)| {
                    json!({ "mode": "url", "elicitationId": page, "url": url, "message": text })
                })
                .collect();
            let data = json!({ "elicitations": elicitations }).to_string();
            protocol::error(Some(call.id), URL_ELICITATION_REQUIRED, text, Some(&data))
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
            protocol::result(call.id, result.to_string().as_bytes())
        }
    }
}

/// A refusal because of secrets, in words that say how to set them; any other as it is.
pub(crate) fn in_words(server: &Server, refusal: Refusal) -> Refusal {
    let Refusal::Vault(VaultError::Unresolved(problems)) = &refusal else {
        return refusal;
    };
    Refusal::Lacking(words(problems, &missing(server, problems)))
}

/// What is wrong, and how to set the secrets that would fix it.
fn words(problems: &[Problem], secrets: &[Option<MissingSecret>]) -> String {
    let mut text = of_problems(problems);
    for command in secrets.iter().flatten().filter_map(command) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nTo set it: {command}");
    }
    text
}

/// The command that sets a secret.
fn command(secret: &MissingSecret) -> Option<String> {
    let name = shell_word(&secret.secret_name)?;
    let (pattern, argument) = (
        shell_word(&secret.pattern())?,
        shell_word(&secret.argument)?,
    );
    let default = if secret.is_default { " --default" } else { "" };
    Some(format!(
        "toolvault secret create {name} --tool {pattern} --arg {argument}{default}"
    ))
}

/// For each problem the secret that would solve it.
fn missing(server: &Server, problems: &[Problem]) -> Vec<Option<MissingSecret>> {
    problems
        .iter()
        .map(|problem| missing_secret(server, problem))
        .collect()
}

/// The secret that would solve a problem, if the configuration alone names it: never a name that a tool chose.
fn missing_secret(server: &Server, problem: &Problem) -> Option<MissingSecret> {
    let argument = problem.location.last()?;
    let is_credential = server.settings.credential_arguments.contains(argument);
    if problem.kind == "secret_missing" && is_credential {
        return Some(MissingSecret {
            server: server.name.clone(),
            argument: argument.clone(),
            secret_name: format!("{}-{}", server.name, name_of(argument)),
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
    (problem.kind == "secret_not_available").then(|| MissingSecret {
        server: server.name.clone(),
        argument: argument.clone(),
        secret_name: (*name).clone(),
        is_default: false,
    })
}

/// What a secret for the argument is called: without the slashes of a pointer.
fn name_of(argument: &str) -> String {
    let pointer = argument.strip_prefix('/');
    pointer.map_or_else(|| argument.to_owned(), |steps| steps.replace('/', "-"))
}

/// Whether a call comes back with an answer to a question of ours.
fn was_asked(message: &Message<'_>) -> bool {
    message
        .param("inputResponses")
        .and_then(Value::as_object)
        .and_then(|answers| answers.members().ok())
        .is_some_and(|answers| answers.iter().any(|answer| answer.name.starts_with(INPUT)))
}

/// Whether an answer of the client is to a question of ours, and not for the server.
pub(super) fn is_own_input(name: &str) -> bool {
    name.starts_with(INPUT)
}
