//! Names that a caller chooses, on their way into the audit trail: of tools and of arguments. One may hold a value, by
//! mistake or because an agent was made to write it where it is kept.

use parking_lot::RwLockReadGuard;
use toolvault_core::audit::record::Record;
use toolvault_core::entropy::EntropyError;
use toolvault_core::redaction::{Key, Redactor};
use zeroize::Zeroizing;

use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::error::Error;
use crate::vault::Vault;

/// No value of fewer characters is searched for.
const SHORTEST_VALUE: usize = 8;
/// Stands for a name that could not be searched.
const WITHHELD: &str = "[withheld]";

/// Takes a user's current values out of names. To search a name, every value of the user is opened, so a name without
/// one is remembered until a secret changes.
pub(super) struct Names<'a> {
    vault: &'a Vault,
    /// `None` if the user's secrets cannot be read.
    secrets: Option<(&'a UserEntry, RwLockReadGuard<'a, Index>)>,
    /// A search for the values that fit into a name of so many bytes.
    redactor: Option<(usize, Redactor)>,
}

impl<'a> Names<'a> {
    pub(super) fn new(vault: &'a Vault, entry: Option<&'a UserEntry>) -> Self {
        Self {
            vault,
            secrets: entry.map(|entry| (entry, entry.index.read())),
            redactor: None,
        }
    }

    fn clean_all(mut self, records: &mut [Record]) {
        for record in records {
            for name in [&mut record.tool, &mut record.argument] {
                *name = name.as_deref().map(|name| self.clean(name));
            }
        }
    }

    /// The name with `[secret:<name>]` in place of each value.
    pub(super) fn clean(&mut self, name: &str) -> String {
        let Some((entry, index)) = &self.secrets else {
            return WITHHELD.to_owned();
        };
        let is_short = name.chars().nth(SHORTEST_VALUE - 1).is_none();
        if is_short || index.is_harmless(name) {
            return name.to_owned();
        }
        if self
            .redactor
            .as_ref()
            .is_none_or(|(longest, _)| *longest < name.len())
        {
            let redactor = self.vault.redactor(entry, index, name.len()).ok();
            self.redactor = redactor.map(|redactor| (name.len(), redactor));
        }
        let Some((_, redactor)) = &self.redactor else {
            return WITHHELD.to_owned();
        };
        redactor.text(name).unwrap_or_else(|| {
            index.note_harmless(name);
            name.to_owned()
        })
    }
}

impl Vault {
    /// Hands records to the audit trail, without values in the names that the caller chose.
    pub(super) async fn record_named(
        &self,
        entry: &UserEntry,
        mut records: Vec<Record>,
    ) -> Result<(), Error> {
        Names::new(self, Some(entry)).clean_all(&mut records);
        self.writer.record(records).await
    }

    /// A search for those of the user's current values that may be in a name of `longest` bytes. Most are tokens that
    /// are longer than names, and to prepare the search for a value takes ten times as long as to open it.
    fn redactor(
        &self,
        entry: &UserEntry,
        index: &Index,
        longest: usize,
    ) -> Result<Redactor, EntropyError> {
        let mut random = Zeroizing::new([0; 64]);
        self.shared.entropy.fill(random.as_mut())?;
        let redactor = Redactor::new(&Key::new(&random));
        for secret in index.iter().filter(|secret| secret.policy.redact) {
            // A value that does not open is known to no caller.
            if let Ok(opened) = self.open_value(entry, secret)
                && let Ok(value) = opened.text()
                && (value.len() <= longest || !is_token(value))
            {
                redactor.add(&secret.name, value);
            }
        }
        Ok(redactor)
    }
}

/// Whether a value is one word. It has no parts that are searched for too, and no form of it is shorter than itself.
fn is_token(value: &str) -> bool {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    value.bytes().all(is_of_word)
}
