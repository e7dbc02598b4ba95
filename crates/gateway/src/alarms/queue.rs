//! Alarms that wait to be sent.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::Alarm;

/// How often sending an alarm may fail until its bare form is tried, too.
const MOST_FAILURES: u32 = 5;

/// Alarms that wait, the oldest first.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Alarm>,
    /// How often sending the oldest failed.
    failures: u32,
}

impl Queue {
    /// Adds alarms at the end.
    pub fn extend(&mut self, alarms: impl IntoIterator<Item = Alarm>) {
        self.waiting.extend(alarms);
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// The oldest, as it is sent now.
    ///
    /// A filter in front of the receiver may dislike a name in it, which an agent chose, and refuse it, close the
    /// connection or never answer. That must not hold up the later ones, so after five failures every second attempt is
    /// with its [bare form](Alarm::bare).
    pub fn first(&self) -> Option<Cow<'_, Alarm>> {
        let first = self.waiting.front()?;
        let is_bare = self.failures >= MOST_FAILURES && self.failures % 2 == MOST_FAILURES % 2;
        Some(if is_bare {
            Cow::Owned(first.bare())
        } else {
            Cow::Borrowed(first)
        })
    }

    /// Notes that sending the oldest failed.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Removes the oldest, which was taken or is too old.
    pub fn remove_first(&mut self) {
        self.waiting.pop_front();
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::audit::record::{Action, Actor, Decision, Record};
    use toolvault_core::identity::{SecretId, UserId};
    use toolvault_core::timestamp::Timestamp;
    use toolvault_vault::SystemEntropy;

    use super::super::Kind;
    use super::*;

    #[test]
    fn what_failed_five_times_is_sent_without_what_an_agent_chose() {
        let now = Timestamp::from_microseconds(1);
        let user = UserId::generate(&SystemEntropy, now).unwrap();
        let secret = SecretId::generate(&SystemEntropy, now).unwrap();
        let actor = Actor::Local(1);
        let mut record = Record::new(
            now,
            &actor,
            Some(user),
            Action::CanaryUsed,
            Decision::Denied,
        );
        record.sequence = 77;
        record.secret_id = Some(secret);
        record.secret_name = Some("evil-name".to_owned());
        record.tool = Some("evil' OR 1=1".to_owned());
        record.argument = Some("evil/../../etc/passwd".to_owned());
        record.request_id = Some("evil-request".to_owned());
        let full = Alarm::of(Kind::CanaryUsed, "a".to_owned(), &record, 3);
        let next = Alarm::unreadable("b", now);
        let mut queue = Queue::default();
        queue.extend([full.clone(), next.clone()]);
        for _ in 0..5 {
            assert_eq!(queue.first().as_deref(), Some(&full));
            queue.failed();
        }
        let bare = queue.first().unwrap().into_owned();
        assert_eq!(
            (&bare.id, bare.name, bare.at),
            (&full.id, full.name, full.at)
        );
        assert!(
            bare.text.contains("Record 77 of the audit trail"),
            "{}",
            bare.text
        );
        let expected = serde_json::json!({
            "sequence": 77, "user_id": user, "secret_id": secret, "count": 3,
        });
        assert_eq!(serde_json::Value::from(bare.data.clone()), expected);
        assert!(!bare.message(None).contains("evil"));
        // A receiver that was away gets the details, too.
        queue.failed();
        assert_eq!(queue.first().as_deref(), Some(&full));
        queue.failed();
        assert_eq!(queue.first().as_deref(), Some(&bare));
        queue.remove_first();
        assert_eq!(
            queue.first().as_deref(),
            Some(&next),
            "the next one has a new count"
        );
        assert_eq!(queue.count(), 1);
    }
}
