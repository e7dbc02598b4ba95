//! Values that callers send themselves: guesses at a secret, or one that is known elsewhere. A marker in the answer would
//! confirm the guess, so each is recorded, and too many end what the key may do with the tool.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use toolvault_core::identity::SecretId;
use toolvault_core::json::Value;
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Caller, RepeatedValue, Vault};

use super::access::{Principal, Values};
use super::metrics::Metrics;
use super::refusal::Refusal;

/// How many values a key may repeat to one tool within [`WINDOW`]; then the tool is refused for the key.
const MOST: usize = 10;
/// For how long a repeated value counts.
const WINDOW: Duration = Duration::from_hours(1);
/// To how many tools a key may repeat values within [`WINDOW`]; then all are refused, so that none is forgotten.
const MOST_TOOLS: usize = 64;

/// Counts of this process, for each key or token and tool.
pub(crate) struct Repeats {
    vault: Vault,
    metrics: Arc<Metrics>,
    counts: Mutex<Counts>,
}

/// What one request was found to repeat. Parts of a request go to a server in several messages: each value counts once
/// for each tool.
#[derive(Clone, Default)]
pub(crate) struct Found(Arc<Mutex<HashSet<(String, SecretId, i64)>>>);

impl Found {
    /// Those of `values` that were not found before.
    fn new_of(&self, tool: &ToolName, mut values: Vec<RepeatedValue>) -> Vec<RepeatedValue> {
        let mut found = self.0.lock();
        values.retain(|value| {
            let tool = tool.as_str().to_owned();
            found.insert((tool, value.secret_id, value.version))
        });
        values
    }
}

/// When each value was repeated, the earliest first; at most [`MOST`] for each tool.
#[derive(Default)]
struct Counts(HashMap<Principal, HashMap<String, Vec<Instant>>>);

impl Repeats {
    pub(crate) fn new(vault: Vault, metrics: Arc<Metrics>) -> Self {
        Self {
            vault,
            metrics,
            counts: Mutex::default(),
        }
    }

    /// Refuses a tool to which the caller repeated too many values.
    pub(crate) fn allow(&self, caller: &Caller, tool: &ToolName) -> Result<(), Refusal> {
        let counts = self.counts.lock();
        if counts.is_refused(&Principal::of(caller), tool.as_str(), Instant::now()) {
            return Err(Refusal::ValuesRepeated);
        }
        Ok(())
    }

    /// Records each of `values`, and the value of each canary, in what the caller sends to `tool`, except those in
    /// `found`. The audit trail has accepted the records before this returns. Canaries do not count towards a refusal,
    /// which would tell them apart from other text.
    pub(crate) async fn note(
        &self,
        caller: &Caller,
        tool: &ToolName,
        values: &Values,
        sent: Value<'_>,
        found: &Found,
    ) -> Result<(), Refusal> {
        let mut repeated = self.vault.canaries_in(caller, sent).await?;
        repeated.extend(values.found(sent).await);
        let repeated = found.new_of(tool, repeated);
        if repeated.is_empty() {
            return Ok(());
        }
        // Without the tool's name, which the client chose and which may hold the value.
        tracing::warn!("a caller sent the value of a secret to a tool");
        self.metrics.repeated(repeated.len());
        let counted = repeated.iter().filter(|value| !value.is_canary).count();
        if counted > 0 {
            let principal = Principal::of(caller);
            let mut counts = self.counts.lock();
            counts.add(&principal, tool.as_str(), counted, Instant::now());
        }
        let recorded = self.vault.record_repeated_values(caller, tool, &repeated);
        Ok(recorded.await?)
    }
}

impl Counts {
    fn is_refused(&self, principal: &Principal, tool: &str, now: Instant) -> bool {
        let Some(tools) = self.0.get(principal) else {
            return false;
        };
        let count = |times: &Vec<Instant>| times.iter().filter(|at| counts(**at, now)).count();
        tools.get(tool).is_some_and(|times| count(times) >= MOST)
            || tools.values().filter(|times| count(times) > 0).count() >= MOST_TOOLS
    }

    fn add(&mut self, principal: &Principal, tool: &str, values: usize, now: Instant) {
        self.0.retain(|_, tools| {
            tools.retain(|_, times| {
                times.retain(|at| counts(*at, now));
                !times.is_empty()
            });
            !tools.is_empty()
        });
        let tools = self.0.entry(principal.clone()).or_default();
        let times = tools.entry(tool.to_owned()).or_default();
        times.extend(std::iter::repeat_n(now, values.min(MOST)));
        let surplus = times.len().saturating_sub(MOST);
        times.drain(..surplus);
    }
}

fn counts(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_refused_for_an_hour_after_ten_values() {
        let (one, other) = (Principal::test(1), Principal::test(2));
        let mut counts = Counts::default();
        let start = Instant::now();
        let at = |minutes| start + Duration::from_mins(minutes);
        for minute in 0..9 {
            counts.add(&one, "a__b", 1, at(minute));
        }
        assert!(!counts.is_refused(&one, "a__b", at(9)));
        counts.add(&one, "a__b", 1, at(9));
        assert!(counts.is_refused(&one, "a__b", at(9)));
        assert!(!counts.is_refused(&one, "a__c", at(9)));
        assert!(!counts.is_refused(&other, "a__b", at(9)));
        // The first value counts no longer.
        assert!(counts.is_refused(&one, "a__b", at(59)));
        assert!(!counts.is_refused(&one, "a__b", start + WINDOW));
        counts.add(&one, "a__b", 3, at(60));
        assert!(counts.is_refused(&one, "a__b", at(61)));
    }

    #[test]
    fn many_tools_do_not_help_and_what_is_remembered_is_bounded() {
        let one = Principal::test(1);
        let mut counts = Counts::default();
        let now = Instant::now();
        for tool in 0..MOST_TOOLS {
            assert!(!counts.is_refused(&one, "a__new", now), "{tool}");
            counts.add(&one, &format!("a__{tool}"), 100, now);
        }
        assert!(counts.is_refused(&one, "a__new", now));
        let times = counts.0[&one].values().map(Vec::len).sum::<usize>();
        assert_eq!(times, MOST_TOOLS * MOST);
        counts.add(&Principal::test(2), "a__b", 1, now + WINDOW);
        assert_eq!(counts.0.len(), 1);
    }
}
