//! Names that a caller chooses, on their way into the audit trail: of tools and of arguments. One may hold a value, by
//! mistake or because an agent was made to write it where it is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use toolvault_core::audit::record::Record;
use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::entropy::EntropyError;
use toolvault_core::json::parse;
use toolvault_core::redaction::{Key, Redactor};

use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::cache::names::Names;
use crate::connection::StoredConnection;
use crate::error::Error;
use crate::secret::Secret;
use crate::shared::Shared;
use crate::vault::Vault;

/// No value of fewer characters is searched for.
const SHORTEST_VALUE: usize = 8;
/// Stands for a name that could not be searched, or whose clean form is too long to be remembered.
const WITHHELD: &str = "[withheld]";
/// The most bytes of a name without its values.
const LONGEST_CLEAN: usize = 512;
/// How much memory the values take that are searched for at once.
const MOST_BYTES: usize = 4 << 20;

/// What to record for each name: the name itself if it holds no value.
type Clean = HashMap<String, String>;

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
    pub(super) async fn clean_names(
        &self,
        entry: Option<&Arc<UserEntry>>,
        names: Vec<String>,
    ) -> Vec<String> {
        let mut clean = Clean::new();
        if let Some(entry) = entry {
            let remembered = self
                .shared
                .cache
                .names
                .of((entry.user.id(), entry.user.row.created_at));
            let (known, unknown) =
                look_up(&remembered, known_generation(&entry.index.read()), &names);
            clean = known;
            if !unknown.is_empty()
                && let Some(found) = self.search_names(entry, &remembered, &names).await
            {
                clean = found;
            }
        }
        let clean = |name| clean.get(name).map_or(WITHHELD, String::as_str).to_owned();
        names.iter().map(clean).collect()
    }

    /// The JSON with `[secret:<name>]` in place of each of the user's current values in it.
    pub(super) async fn clean_json(
        &self,
        entry: &Arc<UserEntry>,
        json: &[u8],
    ) -> Result<String, Error> {
        // Every value is opened, for one request of the user at a time.
        let owner = (entry.user.id(), entry.user.row.created_at);
        let turn = Arc::clone(&self.shared.cache.names.of(owner).turn);
        let turn = turn.lock_owned().await;
        let secrets: Vec<Arc<Secret>> = entry.intact()?.iter().cloned().collect();
        let (shared, owner) = (Arc::clone(&self.shared), Arc::clone(entry));
        let mut clean = Wiped::new(json.to_vec());
        let searching = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut result = Ok(());
            let longest = clean.len();
            for_each_redactor(&shared, &owner, &secrets, longest, |redactor| {
                let mut redacted = Wiped::new(Vec::with_capacity(clean.len()));
                match parse(&clean) {
                    Ok(value) => _ = redactor.json(value, &mut redacted),
                    Err(_) => result = Err(Error::Integrity),
                }
                clean = redacted;
            })?;
            result?;
            String::from_utf8(std::mem::take(&mut *clean)).map_err(Error::internal)
        });
        searching.await.map_err(Error::internal)?
    }

    /// To search names, every value of the user is opened, once for all of them, so the result is remembered until a
    /// secret changes. `None` if that is impossible.
    async fn search_names(
        &self,
        entry: &Arc<UserEntry>,
        remembered: &Names,
        names: &[String],
    ) -> Option<Clean> {
        let turn = Arc::clone(&remembered.turn).lock_owned().await;
        let longest = names.iter().map(String::len).max()?;
        let (secrets, bound, generation) = {
            let index = entry.index.read();
            // These are stored in the clear anyway.
            let bound: HashSet<String> = names
                .iter()
                .filter(|name| index.binds(name))
                .cloned()
                .collect();
            let secrets: Vec<Arc<Secret>> = index
                .iter()
                .filter(|secret| !is_longer_word(secret, longest))
                .cloned()
                .collect();
            (secrets, bound, known_generation(&index))
        };
        // Another request may have searched some of them meanwhile.
        let (mut clean, unknown) = look_up(remembered, generation, names);
        let (shared, owner) = (Arc::clone(&self.shared), Arc::clone(entry));
        // A user may have 10,000 values, and the lock that changes of the secrets wait for must not be held meanwhile.
        // It keeps the turn even if the request is abandoned.
        let searching = tokio::task::spawn_blocking(move || {
            let found = search(&shared, &owner, &secrets, &bound, unknown);
            (turn, found)
        });
        let (_turn, found) = searching.await.ok()?;
        let found = found.ok()?;
        if let Some(generation) = generation {
            for (name, clean) in &found {
                remembered.note(name, clean, generation);
            }
        }
        clean.extend(found);
        Some(clean)
    }
}

/// The generation of secrets that are as they were stored. That of others is what someone wrote into the database.
fn known_generation(index: &Index) -> Option<i64> {
    index.is_intact().then(|| index.generation())
}

/// What is known of names for the values of `generation`, and the names of which nothing is known.
fn look_up(
    remembered: &Names,
    generation: Option<i64>,
    names: &[String],
) -> (Clean, HashSet<String>) {
    let (mut known, mut unknown) = (Clean::new(), HashSet::new());
    for name in names {
        let is_short = name.chars().nth(SHORTEST_VALUE - 1).is_none();
        let clean = generation.and_then(|generation| remembered.find(name, generation));
        match clean.or_else(|| is_short.then(|| name.clone())) {
            Some(clean) => drop(known.insert(name.clone(), clean)),
            None => drop(unknown.insert(name.clone())),
        }
    }
    (known, unknown)
}

/// Searches names for the values. The memory that this takes is bounded: one value can have thousands of parts that are
/// searched for, too. A name that is `bound` stays as it is.
fn search(
    shared: &Shared,
    entry: &UserEntry,
    secrets: &[Arc<Secret>],
    bound: &HashSet<String>,
    names: HashSet<String>,
) -> Result<Clean, EntropyError> {
    let (bound, free): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| bound.contains(name));
    let itself = |name: &String| (name.clone(), name.clone());
    let mut clean: Clean = bound.iter().map(itself).collect();
    let Some(longest) = free.iter().map(String::len).max() else {
        return Ok(clean);
    };
    clean.extend(free.iter().map(itself));
    for_each_redactor(shared, entry, secrets, longest, |redactor| {
        for name in &free {
            if let Some(redacted) = redactor.text(name) {
                note_found(&mut clean, name, redacted);
            }
        }
    })?;
    Ok(clean)
}

/// Calls `search` with the values of the user that may be in a text of `longest` bytes, a part of them at a time.
fn for_each_redactor(
    shared: &Shared,
    entry: &UserEntry,
    secrets: &[Arc<Secret>],
    longest: usize,
    mut search: impl FnMut(&Redactor),
) -> Result<(), EntropyError> {
    let mut random = Wiped::new([0; 64]);
    shared.entropy.fill(random.as_mut())?;
    let key = Key::new(&random);
    let of_secrets = secrets.iter().filter_map(|secret| {
        let value = value_within(shared, entry, secret, longest)?;
        Some((secret.name.to_string(), value))
    });
    let of_connections = entry
        .connections
        .iter()
        .flat_map(|connection| tokens_within(shared, entry, connection, longest));
    let mut values = of_secrets.chain(of_connections).peekable();
    while values.peek().is_some() {
        let redactor = Redactor::new(&key);
        while redactor.bytes() < MOST_BYTES
            && let Some((owner, value)) = values.next()
        {
            if let Some(text) = value.expose_text() {
                redactor.add(&owner, text);
            }
        }
        search(&redactor);
    }
    Ok(())
}

/// Notes what stands for a name with a value.
fn note_found(clean: &mut Clean, name: &str, redacted: String) {
    // Two searches do not know where the values of the other overlap with theirs.
    let is_first = clean.get(name).is_some_and(|clean| clean == name);
    let redacted = if is_first && redacted.len() <= LONGEST_CLEAN {
        redacted
    } else {
        WITHHELD.to_owned()
    };
    clean.insert(name.to_owned(), redacted);
}

/// The value of a secret, if it is confidential and it or a part of it may be in a name of `longest` bytes. Most are
/// words that are longer than names, and to prepare the search for a value takes ten times as long as to open it.
fn value_within(
    shared: &Shared,
    entry: &UserEntry,
    secret: &Secret,
    longest: usize,
) -> Option<Confidential> {
    if !secret.policy.redact {
        return None;
    }
    // A value that does not open is known to no caller.
    let opened = secret.open_value(shared.keyring.installation(), &entry.user.keys);
    let value = opened.ok()?;
    secret.sealed.note_word(is_word(value.expose_text()?));
    (!is_longer_word(secret, longest)).then_some(value)
}

/// Whether the value is known to be one word of more than `longest` bytes. Each value is opened once to find that out.
fn is_longer_word(secret: &Secret, longest: usize) -> bool {
    let bytes = usize::try_from(secret.shown.bytes).unwrap_or(usize::MAX);
    bytes > longest && secret.sealed.is_word() == Some(true)
}

/// The tokens of a connection that may be in a name, each with the name of the server.
fn tokens_within(
    shared: &Shared,
    entry: &UserEntry,
    connection: &StoredConnection,
    longest: usize,
) -> Vec<(String, Confidential)> {
    let opened = connection.open(shared.keyring.installation(), &entry.user.keys);
    let tokens = opened
        .ok()
        .map(|tokens| [Some(tokens.access_token), tokens.refresh_token]);
    tokens
        .into_iter()
        .flatten()
        .flatten()
        .filter(|token| may_be_within(token, longest))
        .map(|token| (connection.info.server.clone(), token))
        .collect()
}

fn may_be_within(value: &Confidential, longest: usize) -> bool {
    let text = value.expose_text();
    text.is_some_and(|text| text.len() <= longest || !is_word(text))
}

/// Whether a value is one word. It has no parts that are searched for too, and no form of it is shorter than itself.
fn is_word(value: &str) -> bool {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    value.bytes().all(is_of_word)
}
