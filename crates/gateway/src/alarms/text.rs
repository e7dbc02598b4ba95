//! Alarms in words, as a chat service shows them.

use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;

use super::Kind;
use super::watch::FAILURES_SECONDS;

/// How many characters of a name are shown.
const LONGEST: usize = 100;

pub(super) fn of(kind: Kind, record: &Record, count: i64) -> String {
    if kind != Kind::Failures {
        return format!("{}.", event(kind, record));
    }
    let actor = plain(&record.actor);
    format!(
        "{count} attempts to sign in or to use a secret failed within {FAILURES_SECONDS} s, the last one by {actor}. \
         The audit trail names them"
    )
}

pub(super) fn repeated(kind: Kind, record: &Record, count: i64) -> String {
    let at = record.at;
    if kind != Kind::Failures {
        let event = event(kind, record);
        return format!("{event}. It happened {count} more times until {at}.");
    }
    let actor = plain(&record.actor);
    format!(
        "{count} more attempts to sign in or to use a secret failed until {at}, the last one by {actor}. \
         The audit trail names them"
    )
}

/// Says only where to look. `sequence` is that of the record, if the alarm is of one.
pub(super) fn bare(name: &str, sequence: Option<i64>) -> String {
    let place = sequence.map_or_else(
        || "Run: toolvault status".to_owned(),
        |sequence| format!("Record {sequence} of the audit trail has them: toolvault audit tail"),
    );
    format!("An alarm: {name}. The receiver did not take its details. {place}")
}

fn event(kind: Kind, record: &Record) -> String {
    let actor = plain(&record.actor);
    let secret = name(record.secret_name.as_deref());
    let tool = name(record.tool.as_deref());
    match kind {
        Kind::CanaryUsed => format!(
            "{actor} tried to use the canary {secret} in tool {tool}. There is no good reason to: revoke the key, and find \
             out who has it"
        ),
        Kind::ValueRepeated if record.reason.as_deref() == Some("canary") => format!(
            "{actor} sent the value of the canary {secret} to tool {tool}. A copy of it leaked: find out from where, and \
             replace what was kept beside it"
        ),
        Kind::ValueRepeated => format!(
            "{actor} sent the value of secret {secret} to tool {tool}. A model has seen it: give the secret a new value"
        ),
        Kind::Tampering => {
            "Something in the database was changed by someone other than Toolvault. \
             Run: toolvault audit verify"
                .to_owned()
        }
        Kind::ToolChanged => format!(
            "The definition of tool {tool} changed. Look at the change before you accept it: toolvault mcp pins"
        ),
        Kind::ApprovalRequested => format!(
            "{actor} waits for approval to call tool {tool}. Look at the call before you decide: toolvault approval list"
        ),
        Kind::Failures | Kind::SecretsDue => String::new(),
    }
}

pub(super) fn due(user: UserId, names: &[String], count: usize) -> String {
    let names: Vec<_> = names.iter().map(|secret| name(Some(secret))).collect();
    let names = names.join(", ");
    format!(
        "Secrets of user {user} need new values, or have expired ({count}): {names}. Replace them: toolvault secret set"
    )
}

fn name(name: Option<&str>) -> String {
    format!("\"{}\"", plain(name.unwrap_or("?")))
}

/// A name that a model may have chosen must not become a link, a mention or markup.
fn plain(name: &str) -> String {
    let harmless = |character: char| match character {
        '-' | '_' | ':' | ' ' => character,
        character if character.is_alphanumeric() => character,
        _ => '_',
    };
    name.chars().take(LONGEST).map(harmless).collect()
}
