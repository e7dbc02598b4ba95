//! Alarms: what people have to know at once, on its way to them.
//!
//! [`Watch`] makes them of records of the audit trail and counts what repeats, [`text`] says them in words, [`Queue`]
//! has those that wait, and [`Webhook`] sends them.

mod queue;
mod text;
mod watch;
mod webhook;

use serde::Serialize;
use serde_json::{Map, Value, json};
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::identity::{InstallationId, UserId};
use toolvault_core::timestamp::Timestamp;

pub use self::queue::Queue;
pub use self::watch::{FAILURES_SECONDS, Watch};
pub use self::webhook::{SigningKey, Webhook, WebhookError};

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Someone tried to use a canary.
    CanaryUsed,
    /// A caller sent the value of a secret.
    ValueRepeated,
    /// Something in the database is not as it was stored.
    Tampering,
    /// A tool server changed the definition of a tool.
    ToolChanged,
    /// Sign-ins or uses of secrets fail again and again.
    Failures,
    /// Secrets need new values, or expired.
    SecretsDue,
    /// A call waits for a person.
    ApprovalRequested,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CanaryUsed,
        Self::ValueRepeated,
        Self::Tampering,
        Self::ToolChanged,
        Self::Failures,
        Self::SecretsDue,
        Self::ApprovalRequested,
    ];

    /// Its name in the configuration and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanaryUsed => "canary.used",
            Self::ValueRepeated => "value.repeated",
            Self::Tampering => "tampering",
            Self::ToolChanged => "tool.changed",
            Self::Failures => "failures",
            Self::SecretsDue => "secrets_due",
            Self::ApprovalRequested => "approval.requested",
        }
    }

    /// What a record alarms of. Only enough [`Failures`](Self::Failures) are an alarm.
    pub fn of(record: &Record) -> Option<Self> {
        match record.action {
            Action::CanaryUsed => Some(Self::CanaryUsed),
            Action::ValueRepeated => Some(Self::ValueRepeated),
            Action::TamperingDetected => Some(Self::Tampering),
            Action::ToolChanged => Some(Self::ToolChanged),
            Action::SignInFailed | Action::UseRefused | Action::AccessDenied => {
                Some(Self::Failures)
            }
            Action::ApprovalRequested => Some(Self::ApprovalRequested),
            _ => None,
        }
    }
}

/// A message about something that happened. It has names and IDs, but never a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The same for each attempt to send it, and for no other message.
    pub id: String,
    /// What kind of thing happened; `test` for a test.
    pub name: &'static str,
    /// When it happened.
    pub at: Timestamp,
    /// What happened and what to do, for people.
    pub text: String,
    /// The same for programs.
    pub data: Map<String, Value>,
}

/// As it is sent.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    text: &'a str,
    data: &'a Map<String, Value>,
}

impl Alarm {
    /// The alarm of a record, the last one of `count` equal events.
    fn of(kind: Kind, id: String, record: &Record, count: i64) -> Self {
        let text = text::of(kind, record, count);
        Self::with_text(kind, id, record, count, text)
    }

    /// That an event of which there was an alarm happened `count` more times, the last time as in the record.
    fn repeated(kind: Kind, id: String, record: &Record, count: i64) -> Self {
        let text = text::repeated(kind, record, count);
        Self::with_text(kind, id, record, count, text)
    }

    fn with_text(kind: Kind, id: String, record: &Record, count: i64, text: String) -> Self {
        let mut data = Map::new();
        let fields = serde_json::to_value(record);
        if let Ok(Value::Object(fields)) = fields {
            let told = fields
                .into_iter()
                .filter(|(name, _)| !matches!(name.as_str(), "state" | "arguments" | "dropped"));
            data.extend(told);
        }
        data.insert("count".to_owned(), json!(count));
        Self {
            id,
            name: kind.name(),
            at: record.at,
            text,
            data,
        }
    }

    /// The same with a fixed text, and with only numbers and IDs in its data: nothing that an agent can choose.
    #[must_use]
    pub fn bare(&self) -> Self {
        let is_id = |name: &str| matches!(name, "user_id" | "secret_id");
        let data = self.data.iter();
        let data = data.filter(|(name, value)| value.is_number() || is_id(name));
        let sequence = self.data.get("sequence").and_then(Value::as_i64);
        Self {
            text: text::bare(self.name, sequence),
            data: data
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            ..self.clone()
        }
    }

    /// That the audit trail, or the position in it, is not as this store left it. `id` names the state.
    pub fn unreadable(id: &str, at: Timestamp) -> Self {
        Self {
            id: format!("unreadable-{id}"),
            name: Kind::Tampering.name(),
            at,
            text: "The audit trail was changed by someone other than Toolvault, so alarms may be missing. \
                   Run: toolvault audit verify"
                .to_owned(),
            data: Map::from_iter([("reason".to_owned(), json!("audit"))]),
        }
    }

    /// That secrets of a user are due for new values, or have expired: their names, and how many there are.
    pub fn due(user: UserId, names: &[String], count: usize, at: Timestamp) -> Self {
        Self {
            id: format!("due-{user}-{}", at.microseconds()),
            name: Kind::SecretsDue.name(),
            at,
            text: text::due(user, names, count),
            data: Map::from_iter([
                ("user_id".to_owned(), json!(user)),
                ("secret_names".to_owned(), json!(names)),
                ("count".to_owned(), json!(count)),
            ]),
        }
    }

    /// A test of the way to people.
    pub fn test(at: Timestamp) -> Self {
        Self {
            id: format!("test-{}", at.microseconds()),
            name: "test",
            at,
            text: "This is a test of Toolvault's alarms. Nothing happened.".to_owned(),
            data: Map::new(),
        }
    }

    /// The message, as JSON. Its `text` is what chat services show.
    pub fn message(&self, installation: Option<InstallationId>) -> String {
        let mut data = self.data.clone();
        if let Some(installation) = installation {
            data.insert("installation".to_owned(), json!(installation.to_string()));
        }
        let message = Message {
            r#type: self.name,
            timestamp: self.at,
            text: &self.text,
            data: &data,
        };
        // Only maps with keys that are no text fail to serialise.
        serde_json::to_string(&message).unwrap_or_default()
    }
}
