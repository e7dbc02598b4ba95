//! The values that were sent to one server for one caller: everything that comes back is searched for them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::SecretId;
use toolvault_core::json::Value;
use toolvault_core::redaction::{Added, Key, Redactor, Stream};
use toolvault_vault::{AppliedValue, RepeatedValue, search};

use super::principal::Principal;

/// How many versions of one secret are remembered: the newest.
const VERSIONS: usize = 4;
/// How much memory the search for one caller's values may take, at all servers together, in bytes.
const BYTES_PER_CALLER: usize = 8 << 20;
/// How much that for all callers' values may take.
const BYTES: usize = 256 << 20;
/// How much it may take for one caller however much it takes for others: about 40 tokens.
const BYTES_GRANTED: usize = 128 << 10;

/// The values sent to one server for one caller. One that was sent may come back at any later time, so they are looked
/// for until a bound is reached; then the oldest go first.
pub(crate) struct Values {
    budget: Budget,
    redactor: Redactor,
    /// The oldest first.
    remembered: Mutex<VecDeque<Remembered>>,
    /// How many values were ever remembered.
    count: AtomicU64,
}

struct Remembered {
    value: RepeatedValue,
    added: Added,
}

/// How much memory all callers' values take.
pub(crate) struct Budgets {
    key: Key,
    all: Arc<AtomicUsize>,
    callers: Mutex<HashMap<Principal, Arc<AtomicUsize>>>,
}

struct Budget {
    all: Arc<AtomicUsize>,
    caller: Arc<AtomicUsize>,
}

impl Budgets {
    /// `key` is that of the process.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            key,
            all: Arc::default(),
            callers: Mutex::default(),
        }
    }

    fn of(&self, principal: &Principal) -> Budget {
        let mut callers = self.callers.lock();
        callers.retain(|_, used| Arc::strong_count(used) > 1);
        Budget {
            all: Arc::clone(&self.all),
            caller: Arc::clone(callers.entry(principal.clone()).or_default()),
        }
    }
}

impl Budget {
    fn take(&self, bytes: usize) {
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.caller.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.all.fetch_sub(bytes, Ordering::Relaxed);
        self.caller.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn is_exceeded(&self) -> bool {
        let own = self.caller.load(Ordering::Relaxed);
        own > BYTES_PER_CALLER || own > BYTES_GRANTED && self.all.load(Ordering::Relaxed) > BYTES
    }
}

impl Values {
    /// No values yet, of a caller within `budgets`.
    pub(super) fn new(principal: &Principal, budgets: &Budgets) -> Self {
        Self {
            budget: budgets.of(principal),
            redactor: Redactor::new(&budgets.key),
            remembered: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// How many values were ever remembered. While it stays the same, a text need not be searched again.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Remembers values, before they are sent. Forgets one that is no longer confidential.
    pub(crate) fn add(&self, sent: Vec<AppliedValue>) {
        let mut remembered = self.remembered.lock();
        let mut new = 0;
        for value in sent {
            let is_known = |other: &Remembered| {
                (other.value.secret_id, other.value.version) == (value.secret_id, value.version)
            };
            let known = remembered.iter().position(is_known);
            match (known, value.redact) {
                (None, true) => {}
                (None, false) | (Some(_), true) => continue,
                (Some(known), false) => {
                    if let Some(known) = remembered.remove(known) {
                        self.forget(&known);
                    }
                    continue;
                }
            }
            let text = value.value.expose_text();
            let added = text.and_then(|text| self.redactor.add(&value.secret_name, text));
            if let Some(added) = added {
                self.budget.take(added.bytes());
                remembered.push_back(Remembered {
                    value: RepeatedValue {
                        secret_id: value.secret_id,
                        secret_name: value.secret_name,
                        version: value.version,
                        is_canary: false,
                    },
                    added,
                });
                new += 1;
                self.count.fetch_add(1, Ordering::Release);
                self.forget_versions(&mut remembered, value.secret_id);
            }
        }
        // The values of this call stay, even if they alone exceed the budget.
        while self.budget.is_exceeded()
            && remembered.len() > new
            && let Some(oldest) = remembered.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// Searches a stream for them, and for those that are sent meanwhile.
    pub(crate) fn stream(&self) -> Stream {
        self.redactor.stream()
    }

    /// The JSON of `value` without the values, and whether one was found.
    pub(crate) async fn redacted(&self, value: Value<'_>) -> (Wiped<Vec<u8>>, bool) {
        let redactor = self.redactor.clone();
        let redact = move |value: Value<'_>| {
            let mut out = Wiped::new(Vec::with_capacity(value.raw().len()));
            let is_found = redactor.json(value, &mut out);
            (out, is_found)
        };
        search(value, redact).await
    }

    /// Which of the values are in `sent`, which is on its way to the server.
    pub(crate) async fn found(&self, sent: Value<'_>) -> Vec<RepeatedValue> {
        if self.redactor.is_empty() {
            return Vec::new();
        }
        let redactor = self.redactor.clone();
        let found = search(sent, move |sent| redactor.found(sent)).await;
        let remembered = self.remembered.lock();
        let found = remembered
            .iter()
            .filter(|value| found.contains(&value.added));
        found.map(|value| value.value.clone()).collect()
    }

    /// Whether a text holds none of the values.
    pub(crate) fn is_harmless(&self, text: &str) -> bool {
        self.redactor.text(text).is_none()
    }

    fn forget_versions(&self, remembered: &mut VecDeque<Remembered>, secret: SecretId) {
        let versions = remembered.iter().enumerate();
        let mut versions = versions.filter(|(_, other)| other.value.secret_id == secret);
        let oldest = versions.next().map(|(index, _)| index);
        if versions.count() >= VERSIONS
            && let Some(oldest) = oldest.and_then(|index| remembered.remove(index))
        {
            self.forget(&oldest);
        }
    }

    fn forget(&self, value: &Remembered) {
        self.redactor.remove(value.added);
        self.budget.give_back(value.added.bytes());
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        let values = self.remembered.get_mut().iter();
        let bytes = values.map(|value| value.added.bytes()).sum();
        self.budget.give_back(bytes);
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::confidential::Confidential;
    use toolvault_core::json::parse;

    use super::*;

    fn budgets() -> Budgets {
        Budgets::new(Key::new(&[7; 64]))
    }

    fn uuid(number: u8) -> String {
        format!("\"00000000-0000-7000-8000-0000000000{number:02x}\"")
    }

    fn sent(secret: u8, version: i64, value: &str) -> Vec<AppliedValue> {
        vec![AppliedValue {
            secret_id: serde_json::from_str(&uuid(secret)).unwrap(),
            secret_name: format!("secret-{secret}"),
            version,
            value: Confidential::from(value),
            redact: true,
        }]
    }

    fn finds(values: &Values, text: &str) -> bool {
        !values.is_harmless(text)
    }

    #[test]
    fn the_newest_four_versions_of_a_secret_are_found() {
        let values = Values::new(&Principal::test(1), &budgets());
        for version in 1..=6 {
            values.add(sent(1, version, &format!("the value number {version}")));
        }
        values.add(sent(2, 1, "the value of another secret"));
        for version in 1..=6 {
            let text = format!("it said: the value number {version}");
            assert_eq!(finds(&values, &text), version > 2, "{version}");
        }
        assert!(finds(&values, "the value of another secret"));
    }

    #[tokio::test]
    async fn a_long_text_is_searched_like_a_short_one() {
        let values = Values::new(&Principal::test(1), &budgets());
        values.add(sent(1, 1, "the value of a secret"));
        for length in [0, 1 << 20] {
            let before = "x".repeat(length);
            let text = format!("[\"{before} the value of a secret\"]");
            let value = parse(text.as_bytes()).unwrap();
            let (redacted, is_found) = values.redacted(value).await;
            let expected = format!("[\"{before} [secret:secret-1]\"]");
            assert_eq!((is_found, *redacted == expected.into_bytes()), (true, true));
            assert_eq!(values.found(value).await.len(), 1);
        }
    }

    #[test]
    fn a_value_that_is_no_longer_confidential_is_forgotten() {
        let budgets = budgets();
        let values = Values::new(&Principal::test(1), &budgets);
        for version in 1..=2 {
            values.add(sent(1, version, &format!("the value number {version}")));
        }
        values.add(sent(2, 1, "the value of another secret"));
        let mut now = sent(1, 2, "the value number 2");
        now[0].redact = false;
        values.add(now);
        assert!(!finds(&values, "the value number 2"));
        // An earlier value may have been another kind of value.
        assert!(finds(&values, "the value number 1"));
        assert!(finds(&values, "the value of another secret"));
        drop(values);
        assert_eq!(budgets.all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn other_callers_cannot_make_it_forget_what_takes_little() {
        let budgets = budgets();
        budgets.all.store(BYTES + 1, Ordering::Relaxed);
        let values = Values::new(&Principal::test(1), &budgets);
        for secret in 0..200 {
            values.add(sent(secret, 1, &format!("the value number {secret}")));
            let granted = secret.saturating_sub(9)..=secret;
            assert!(
                granted
                    .into_iter()
                    .all(|known| finds(&values, &format!("the value number {known}")))
            );
        }
        assert!(!finds(&values, "the value number 0"));
    }

    #[test]
    fn the_values_of_a_caller_are_bounded_in_bytes() {
        let budgets = budgets();
        let first = Values::new(&Principal::test(1), &budgets);
        let second = Values::new(&Principal::test(1), &budgets);
        // Lines are what takes memory.
        let value = |number: u8| {
            let random =
                |line: u64| (u64::from(number) << 32 | line).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let lines =
                (1..3400).map(|line| format!("{:016x}{:016x}", random(line), random(line << 16)));
            lines.collect::<Vec<_>>().join("\n")
        };
        for number in 0..5 {
            first.add(sent(number, 1, &value(number)));
        }
        assert!(finds(&first, &value(0)));
        // Of the same caller at another server: only its own values can make room.
        second.add(sent(100, 1, &value(100)));
        assert!(finds(&second, &value(100)));
        first.add(sent(5, 1, &value(5)));
        assert!(!finds(&first, &value(0)));
        assert!(finds(&first, &value(5)));
        drop(first);
        drop(second);
        assert_eq!(budgets.all.load(Ordering::Relaxed), 0);
        let other = Values::new(&Principal::test(2), &budgets);
        assert_eq!(other.budget.caller.load(Ordering::Relaxed), 0);
        assert_eq!(budgets.callers.lock().len(), 1);
    }
}
