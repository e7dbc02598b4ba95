//! A tool call through the gateway: which arguments are hidden from the model, the secrets for them, and its record.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::identity::SecretId;
use toolvault_core::json::Kind;
use toolvault_core::pattern::ToolName;
use toolvault_core::scope::Scope;
use tracing::{Instrument as _, Span};

use super::resolve::places::defaults;
use super::resolve::within::Within;
use super::resolve::{Call, Injected};
use crate::SPANS;
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::Vault;

/// How many names a list in a record has.
const MOST_NAMES: usize = 64;
/// How many characters of a name are recorded.
const LONGEST_NAME: usize = 128;
/// How many bytes the names of a list take in all, so that one call cannot create a large page.
const MOST_BYTES: usize = 4_096;
/// How many calls are handed over at once.
const MOST_TOGETHER: usize = 64;
/// How many characters of a reason are recorded.
const LONGEST_REASON: usize = 256;

/// A tool call to record.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The tool, `<server>__<tool>`.
    pub tool: ToolName,
    /// The received arguments, by name and type.
    pub arguments: Vec<(String, Kind)>,
    /// Whether the tool was called.
    pub decision: Decision,
    /// Why it was not called, or what failed; never text that a tool or a model wrote.
    pub reason: Option<String>,
    /// How long it took.
    pub duration: Duration,
    /// The hidden arguments for which a value was received and discarded.
    pub dropped: Vec<String>,
    /// Its span in traces, which gets the name of the tool without values. It closes when the call is recorded.
    pub span: Span,
}

/// A value that a caller sent: the tool server has received it before, or it is that of a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedValue {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name when the server received the value.
    pub secret_name: String,
    /// The version of the value.
    pub version: i64,
    /// Whether no server ever received it from here.
    pub is_canary: bool,
}

impl Vault {
    /// For each tool, the arguments for which the caller has a default within the caller's tool patterns, expired or
    /// not. The set is empty for a tool outside the patterns. Needs `use`. Nothing is opened or recorded.
    pub async fn hidden_arguments(
        &self,
        caller: &Caller,
        tools: &[ToolName],
        within: &Within,
    ) -> Result<Vec<BTreeSet<String>>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let hidden = entry.intact().map(|index| {
            let hidden = tools.iter().map(|tool| {
                let is_reached = caller.reaches_tool(tool);
                defaults(&index, caller, tool, within)
                    .filter(|_| is_reached)
                    .map(|(argument, _)| argument.to_owned())
                    .collect()
            });
            hidden.collect()
        });
        self.note_refusal(caller, hidden).await
    }

    /// Completes a call as [`resolve`](Vault::resolve) does, for a caller who must not see the values. Needs `use`. The
    /// audit trail has accepted the record of every use before any value is returned.
    ///
    /// An argument received as `""` counts as a value here. Remove it first to have it completed.
    pub async fn inject(
        &self,
        caller: &Caller,
        call: Call,
        within: &Within,
    ) -> Result<Injected, Error> {
        let span = tracing::trace_span!(target: SPANS, "resolve", toolvault.calls = 1_u64);
        let injecting = async {
            self.note_refusal(caller, caller.require(Scope::Use))
                .await?;
            let entry = self.caller_entry(caller).await?;
            let mut records = Vec::new();
            let injected = self.complete(caller, &entry, call, within, &mut records);
            self.record_named(&entry, records).await?;
            injected
        };
        injecting.instrument(span).await
    }

    /// Records values that a caller sent to a tool. Needs `use`. Returns when the audit trail has accepted the records.
    pub async fn record_repeated_values(
        &self,
        caller: &Caller,
        tool: &ToolName,
        repeated: &[RepeatedValue],
    ) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let records = repeated
            .iter()
            .map(|value| self.repeated(caller, tool, value));
        self.record_named(&entry, records.collect()).await
    }

    pub(super) fn repeated(
        &self,
        caller: &Caller,
        tool: &ToolName,
        value: &RepeatedValue,
    ) -> Record {
        let mut record = self.record(caller, Action::ValueRepeated, Decision::Allowed);
        record.secret_id = Some(value.secret_id);
        record.secret_name = Some(value.secret_name.clone());
        record.version = Some(value.version);
        record.tool = Some(tool.as_str().to_owned());
        record.reason = value.is_canary.then(|| "canary".to_owned());
        record
    }

    /// Records calls through the gateway, including those that were refused because the key does not reach the tool.
    /// Needs `use`. Returns when the audit trail has accepted the records.
    ///
    /// The record of one user's call may wait for a search of names. Those of others are accepted meanwhile.
    ///
    /// Names come from a model. The user's current values are taken out of them, and they are truncated: at most 64 per
    /// list, 128 characters each and 4 KiB in all. A truncated list ends in `… <n> more`.
    ///
    /// # Errors
    /// One of those that occurred. All calls that can be recorded are.
    pub async fn record_tool_calls(
        &self,
        calls: impl IntoIterator<Item = (Caller, ToolCall)>,
    ) -> Result<(), Error> {
        let calls = calls.into_iter();
        let calls: FuturesUnordered<_> = calls
            .map(|(caller, call)| self.tool_call(caller, call))
            .collect();
        let mut recorded = Ok(());
        let mut ready = calls.ready_chunks(MOST_TOGETHER);
        while let Some(records) = ready.next().await {
            let mut accepted = Vec::with_capacity(records.len());
            for record in records {
                match record {
                    Ok(record) => accepted.push(record),
                    Err(error) => recorded = Err(error),
                }
            }
            recorded = self.writer.record(accepted).await.and(recorded);
        }
        recorded
    }

    /// The record of a call.
    async fn tool_call(&self, caller: Caller, call: ToolCall) -> Result<Record, Error> {
        self.note_refusal(&caller, caller.require(Scope::Use))
            .await?;
        let entry = self.user_entry(caller.user).await.ok().flatten();
        let mut record = self.record(&caller, Action::ToolCalled, call.decision);
        record.reason = call
            .reason
            .as_deref()
            .map(|reason| cut(reason, LONGEST_REASON));
        record.duration_ms = Some(i64::try_from(call.duration.as_millis()).unwrap_or(i64::MAX));
        // They are cleaned before they are cut: half of a value would not be found. Only those that can be recorded: a
        // model may send any number, and a search takes long.
        let recorded = || call.arguments.iter().take(MOST_NAMES);
        let arguments = recorded().map(|(name, _)| name);
        let dropped = call.dropped.iter().take(MOST_NAMES);
        let names = [call.tool.as_str().to_owned()].into_iter();
        let names = names.chain(arguments.chain(dropped).cloned());
        let clean = self.clean_names(entry.as_ref(), names.collect()).await;
        let mut clean = clean.into_iter();
        record.tool = clean.next();
        call.span.record("toolvault.tool", record.tool.as_deref());
        // The iterator that ends first stands first, so that no name of the other one is lost.
        let arguments: Vec<String> = recorded()
            .zip(clean.by_ref())
            .map(|((_, kind), name)| {
                let mut text = cut(&name, LONGEST_NAME);
                let _ = write!(text, ":{}", word(*kind));
                text
            })
            .collect();
        record.arguments = Some(bounded(arguments, call.arguments.len()));
        let dropped = clean.map(|name| cut(&name, LONGEST_NAME)).collect();
        record.dropped = (!call.dropped.is_empty()).then(|| bounded(dropped, call.dropped.len()));
        Ok(record)
    }
}

/// The type of a value, as JSON Schema names it.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::String => "string",
        Kind::Number => "number",
        Kind::Bool => "boolean",
        Kind::Null => "null",
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// The first of `count` names, truncated to what a record holds.
fn bounded(names: Vec<String>, count: usize) -> Vec<String> {
    let mut kept = Vec::with_capacity(count.min(MOST_NAMES));
    let mut bytes = 0;
    for name in names {
        bytes += written_length(&name);
        let is_last = kept.len() + 1 == MOST_NAMES && count > MOST_NAMES;
        if is_last || bytes > MOST_BYTES {
            kept.push(format!("… {} more", count - kept.len()));
            break;
        }
        kept.push(name);
    }
    kept
}

/// The most bytes that a name takes in a page: a control character takes six.
fn written_length(name: &str) -> usize {
    let length = |character: char| match character {
        '"' | '\\' => 2,
        character if character.is_ascii_control() => 6,
        character => character.len_utf8(),
    };
    name.chars().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize, name: &str) -> Vec<String> {
        bounded(vec![name.to_owned(); count.min(MOST_NAMES)], count)
    }

    #[test]
    fn a_list_is_kept_whole_while_it_is_small() {
        assert_eq!(names(0, "a"), Vec::<String>::new());
        assert_eq!(names(64, "a"), vec!["a"; 64]);
    }

    #[test]
    fn a_longer_list_says_how_much_is_left_out() {
        let kept = names(65, "a");
        assert_eq!(kept.len(), 64);
        assert_eq!(kept.last().unwrap(), "… 2 more");
        assert_eq!(names(1_000, "a").last().unwrap(), "… 937 more");
    }

    #[test]
    fn a_list_takes_no_more_bytes_than_it_may_however_they_are_written() {
        for name in ["\u{1}".repeat(128), "🔑".repeat(128), "\"".repeat(128)] {
            let kept = names(60, &name);
            let written = serde_json::to_string(&kept).unwrap();
            assert!(written.len() < MOST_BYTES + 256, "{}", written.len());
            let left: usize = 60 - (kept.len() - 1);
            assert_eq!(kept.last().unwrap(), &format!("… {left} more"));
        }
    }
}
