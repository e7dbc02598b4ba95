//! A call that a person must allow: it is asked about before any secret is opened, and waits for the decision.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use toolvault_core::arguments::Arguments;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Value, parse};
use toolvault_core::policy::Need;
use toolvault_vault::{Approved, Asked, AskedCall, Error as VaultError, NeededApproval, Waiting};

use super::{Answers, Sent, Target, ToolCall, arguments, take_out};
use crate::mcp::access::Access;
use crate::mcp::links::{Link, Question};
use crate::mcp::record::CallRecord;
use crate::mcp::refusal::Refusal;
use crate::mcp::server::Server;
use crate::mcp::state::Visit;

/// A longer title of a tool is not shown, in bytes.
const LONGEST_TITLE: usize = 256;

impl ToolCall<'_> {
    /// As [`prepare`](Self::prepare), once a person has allowed the call, if one must. After each change the call is
    /// prepared anew, so that what was decided, and everything else, is as it is then.
    pub(super) async fn prepare_when_allowed(
        &self,
        record: &mut CallRecord,
    ) -> Result<(Arc<Link>, Question), Refusal> {
        // Before a person is asked, so that no cancellation is missed.
        let cancelled = self.conversation.waiting(self.id);
        let first = self.prepare(record, false).await;
        let Err(Refusal::AwaitsApproval(mut waiting)) = first else {
            return first;
        };
        if waiting.is_new && self.conversation.opens_urls() {
            return Err(Refusal::AwaitsApproval(waiting));
        }
        let until = Instant::now() + self.visit.rules.settings.limits.approval_wait;
        loop {
            self.wait(waiting, until, &cancelled).await?;
            match Box::pin(self.prepare(record, true)).await {
                Err(Refusal::AwaitsApproval(again)) => waiting = again,
                prepared => return prepared,
            }
        }
    }

    /// Returns when something may have been decided.
    async fn wait(
        &self,
        mut waiting: Box<Waiting>,
        until: Instant,
        cancelled: &CancellationToken,
    ) -> Result<(), Refusal> {
        let (state, caller) = (&self.visit.state, self.visit.caller());
        let left = waiting.expires_at.microseconds() - state.clock.now().microseconds();
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        let end = Instant::now() + left;
        tokio::select! {
            biased;
            () = cancelled.cancelled() => {
                let text = "The client cancelled the call or ended its session.";
                return Err(Refusal::NotApproved("abandoned", text.to_owned()));
            }
            () = waiting.changed(caller) => {}
            () = sleep_until(end), if end < until => {
                let text = "No person allowed the call in time, so it is refused.";
                return Err(Refusal::NotApproved("approval_expired", text.to_owned()));
            }
            () = sleep_until(until) => return Err(Refusal::AwaitsApproval(waiting)),
            () = state.stop.cancelled() => return Err(Refusal::AwaitsApproval(waiting)),
        }
        Ok(state.vault.recheck(caller).await?)
    }
}

impl Target {
    /// The arguments with their secrets, and how many were applied. The values are remembered, so that answers are
    /// searched for them. No secret is opened before a person has allowed the call, if one must.
    ///
    /// `sent` is what the client sent, and its arguments without those that it must not choose.
    pub(crate) async fn complete(
        &self,
        visit: &Visit,
        access: &Access,
        sent: (&Sent<'_>, Arguments),
        has_waited: bool,
    ) -> Result<(Arguments, usize), Refusal> {
        let (server, (sent, mut args)) = (&access.server, sent);
        let asked = self.asked(server);
        if self.hidden.is_empty() && self.canaries.is_empty() {
            if let Some(need) = asked {
                let needed = NeededApproval {
                    need,
                    secret_name: None,
                };
                Box::pin(self.ask(visit, access, needed, (sent, &args), has_waited)).await?;
            }
            return Ok((args, 0));
        }
        let within = visit.rules.within(&server.name);
        let vault = &visit.state.vault;
        let mut given = None;
        loop {
            let mut call = self.call(server, args);
            call.approved = Some(Approved {
                given,
                asked,
                only_reads: self.only_reads,
            });
            match vault.inject(visit.caller(), call, &within).await {
                Err(VaultError::ApprovalNeeded(needed)) if Some(needed.need) > given => {
                    given = Some(needed.need);
                    args = arguments(sent.arguments)?;
                    take_out(&mut args, &self.hidden, server.settings.allow_override);
                    Box::pin(self.ask(visit, access, *needed, (sent, &args), has_waited)).await?;
                }
                injected => {
                    let injected = injected?;
                    access.values.add(injected.values);
                    let applied = injected.completed.applied.len();
                    return Ok((injected.completed.args, applied));
                }
            }
        }
    }

    /// Returns if a person allowed the call.
    async fn ask(
        &self,
        visit: &Visit,
        access: &Access,
        needed: NeededApproval,
        (sent, args): (&Sent<'_>, &Arguments),
        has_waited: bool,
    ) -> Result<(), Refusal> {
        let (arguments, mut shown) = asked_for(args, &sent.answers);
        if let Ok(value) = parse(&shown) {
            (shown, _) = access.values.redacted(value).await;
        }
        let call = AskedCall {
            server: access.server.name.to_string(),
            tool: self.own_name(&access.server).to_owned(),
            title: title(self),
            definition: self.tool.as_ref().map(|tool| tool.hash),
            need: needed.need,
            secret_name: needed.secret_name,
            arguments,
            shown,
            lasts: visit.rules.settings.limits.approval_timeout,
            has_waited,
        };
        let vault = &visit.state.vault;
        match vault.ask_approval(visit.caller(), &call).await? {
            Asked::Allowed => Ok(()),
            Asked::Waiting(waiting) => Err(Refusal::AwaitsApproval(Box::new(waiting))),
            Asked::Refused => {
                let text = "A person refused this call. For ten minutes it is refused without asking again.";
                Err(Refusal::NotApproved("approval_refused", text.to_owned()))
            }
            Asked::NotAsked(why) => {
                let text =
                    format!("A person must allow this call, but the request was not made: {why}.");
                Err(Refusal::NotApproved("approval_impossible", text))
            }
        }
    }

    /// What the configuration asks for.
    fn asked(&self, server: &Server) -> Option<Need> {
        let approval = server.settings.approval.of(self.own_name(server))?;
        approval.need(self.only_reads)
    }

    /// The server's own name for it.
    fn own_name(&self, server: &Server) -> &str {
        let name = self.name.as_str();
        name.strip_prefix(server.tool.as_str()).unwrap_or(name)
    }
}

/// What an approval covers, and what a person is shown of it. Answers to what the server asked before are part of both.
/// To be told from arguments, which are an object, what is covered is then an array.
fn asked_for(args: &Arguments, answers: &Answers) -> (Wiped<Vec<u8>>, Wiped<Vec<u8>>) {
    let mut arguments = Wiped::new(Vec::new());
    args.write_json(&mut arguments);
    if answers.is_empty() {
        return (arguments.clone(), arguments);
    }
    let mut shown = Wiped::new(b"{\"arguments\":".to_vec());
    shown.extend_from_slice(&arguments);
    for (name, answer) in answers {
        shown.extend_from_slice(format!(",\"{name}\":").as_bytes());
        shown.extend_from_slice(answer);
    }
    shown.push(b'}');
    let covered = [b"[".as_slice(), &shown, b"]"].concat();
    (Wiped::new(covered), shown)
}

/// The tool's title, as its server wrote it.
fn title(target: &Target) -> Option<String> {
    let tool = parse(target.tool.as_ref()?.raw.as_bytes()).ok()?;
    let title = tool.as_object()?.get("title").and_then(Value::as_text)?;
    let title = title.ok().filter(|title| title.len() <= LONGEST_TITLE)?;
    Some(title.as_str().to_owned())
}
