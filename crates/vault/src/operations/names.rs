//! Names that a caller chooses, on their way into the audit trail: of tools and of arguments. One may hold a value, by
//! mistake or because an agent was made to write it where it is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use toolvault_core::audit::record::Record;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::EntropyError;
use toolvault_core::redaction::{Key, Redactor};

use crate::cache::UserEntry;
use crate::error::Error;
use crate::secret::Secret;
use crate::shared::Shared;
use crate::vault::Vault;

/// No value of fewer characters is searched for.
const SHORTEST_VALUE: usize = 8;
/// Stands for a name that could not be searched.
const WITHHELD: &str = "[withheld]";

impl Vault {
    /// Hands records to the audit trail, without values in the names that the caller chose.
    pub(super) async fn record_named(
        &self,
        entry: &Arc<UserEntry>,
        mut records: Vec<Record>,
    ) -> Result<(), Error> {
        let names = records
            .iter()
            .flat_map(|record| [&record.tool, &record.argument]);
        let names = names.flatten().cloned().collect();
        let mut clean = self.clean_names(Some(entry), names).await.into_iter();
        for record in &mut records {
            for name in [&mut record.tool, &mut record.argument] {
                if name.is_some() {
                    *name = clean.next();
                }
            }
        }
        self.writer.record(records).await
    }

    /// The names with `[secret:<name>]` in place of each of the user's current values. `entry` is `None` if the user's
    /// secrets cannot be read.
    ///
    /// To search names, every value of the user is opened, once for all of them, so a name without a value is
    /// remembered until a secret changes.
    pub(super) async fn clean_names(
        &self,
        entry: Option<&Arc<UserEntry>>,
        names: Vec<String>,
    ) -> Vec<String> {
        let Some(entry) = entry else {
            return names.iter().map(|_| WITHHELD.to_owned()).collect();
        };
        let (unknown, secrets, generation) = {
            let index = entry.index.read();
            let is_unknown = |name: &&String| {
                let is_long = name.chars().nth(SHORTEST_VALUE - 1).is_some();
                is_long && !index.is_harmless(name)
            };
            let unknown: HashSet<String> = names.iter().filter(is_unknown).cloned().collect();
            if unknown.is_empty() {
                return names;
            }
            let secrets: Vec<Arc<Secret>> = index.iter().cloned().collect();
            (unknown, secrets, index.generation())
        };
        let (shared, owner) = (Arc::clone(&self.shared), Arc::clone(entry));
        // A user may have 10,000 values, and the lock that changes of the secrets wait for must not be held meanwhile.
        let searching =
            tokio::task::spawn_blocking(move || search(&shared, &owner, &secrets, unknown));
        let Ok(Ok(found)) = searching.await else {
            return names.iter().map(|_| WITHHELD.to_owned()).collect();
        };
        let index = entry.index.read();
        for (name, redacted) in &found {
            if redacted.is_none() {
                index.note_harmless(name, generation);
            }
        }
        let clean = |name: String| found.get(&name).cloned().flatten().unwrap_or(name);
        names.into_iter().map(clean).collect()
    }
}

/// Each name with its redacted form, or `None` if it holds no value.
fn search(
    shared: &Shared,
    entry: &UserEntry,
    secrets: &[Arc<Secret>],
    names: HashSet<String>,
) -> Result<HashMap<String, Option<String>>, EntropyError> {
    // These are stored in the clear anyway.
    let bound: HashSet<&str> = secrets
        .iter()
        .flat_map(|secret| [secret.tool(), secret.binding.argument.as_deref()])
        .flatten()
        .collect();
    let (bound, free): (Vec<String>, Vec<String>) = names
        .into_iter()
        .partition(|name| bound.contains(name.as_str()));
    let mut found: HashMap<_, _> = bound.into_iter().map(|name| (name, None)).collect();
    if let Some(longest) = free.iter().map(String::len).max() {
        let redactor = redactor(shared, entry, secrets, longest)?;
        found.extend(free.into_iter().map(|name| {
            let redacted = redactor.text(&name);
            (name, redacted)
        }));
    }
    Ok(found)
}

/// A search for those of the values that may be in a name of `longest` bytes. Most are tokens that are longer than
/// names, and to prepare the search for a value takes ten times as long as to open it.
fn redactor(
    shared: &Shared,
    entry: &UserEntry,
    secrets: &[Arc<Secret>],
    longest: usize,
) -> Result<Redactor, EntropyError> {
    let mut random = Wiped::new([0; 64]);
    shared.entropy.fill(random.as_mut())?;
    let redactor = Redactor::new(&Key::new(&random));
    for secret in secrets.iter().filter(|secret| secret.policy.redact) {
        // A value that does not open is known to no caller.
        if let Ok(opened) = secret.open_value(shared.keyring.installation(), &entry.user.key)
            && let Some(value) = opened.expose_text()
            && (value.len() <= longest || !is_token(value))
        {
            redactor.add(&secret.name, value);
        }
    }
    Ok(redactor)
}

/// Whether a value is one word. It has no parts that are searched for too, and no form of it is shorter than itself.
fn is_token(value: &str) -> bool {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    value.bytes().all(is_of_word)
}
