//! The journal of uses: a file that takes the record of a use with one `write` of the task that resolves.
//!
//! A transaction and a signature for a few records would take longer than everything else a use needs. The writer puts
//! the journal's records into pages of the trail within [`FOLD_AFTER`](crate::writer::FOLD_AFTER), and [`replay`] does
//! so at the start for what a stopped process left. The file is never synced: its records are in the operating system's
//! cache, as `audit.uses = "system"` says, and on disk as soon as their page is.

pub(crate) mod replay;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use toolvault_core::audit::journal::{Contents, End, JournalKey, Link};
use toolvault_core::audit::record::Record;

use crate::clock::Clock;

pub(crate) const FILE_NAME: &str = "uses.journal";
/// Where a journal is kept that was changed by something else.
const CHANGED_NAME: &str = "uses.journal.changed";
/// Where a journal is kept that ends with a part of an entry.
const TORN_NAME: &str = "uses.journal.torn";
/// The next journal, before it replaces the old one.
const NEXT_NAME: &str = "uses.journal.next";

/// When the journal declines records, and when it is replaced although records wait.
struct Limits {
    /// How many records may wait for a page.
    waiting: usize,
    /// How long a record may wait for a page. Later, the database does not commit, though it reports no error.
    patience: Duration,
    /// A longer file is replaced. In bytes.
    length: u64,
    /// A file is replaced this many pages after the one after which it began: a start reads these pages.
    pages: i64,
}

const LIMITS: Limits = Limits {
    waiting: 1 << 16,
    patience: Duration::from_secs(1),
    length: 16 << 20,
    pages: 1_024,
};

/// The open journal of a data directory.
pub(crate) struct Journal {
    directory: PathBuf,
    key: JournalKey,
    clock: Arc<dyn Clock>,
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// The length of the whole entries, in bytes.
    length: u64,
    link: Link,
    /// The page after which the file began.
    page: i64,
    /// The records that no page has and that no group is saving.
    waiting: Vec<Record>,
    /// Since when the oldest of them waits.
    waiting_since: Option<Instant>,
    /// Since when the oldest record waits that the current group is saving.
    saving_since: Option<Instant>,
    condition: Condition,
}

#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    /// The last group was not saved, so the trail may not be able to take the records.
    Unsaved,
    /// The end of the file is not known.
    Broken,
    /// The vault is being closed.
    Closed,
}

/// What became of records.
pub(crate) enum Appended {
    /// The operating system has them.
    Accepted {
        /// Whether no other records were waiting, so that the writer must be told.
        is_first: bool,
    },
    /// The journal does not take records now. The writer must.
    Declined(Vec<Record>),
}

impl Journal {
    /// Opens the journal of this directory, which this process has locked. Returns what an earlier process left in it.
    /// Unless it is whole, it is kept under another name. It takes no records before [`begin`](Self::begin), or before
    /// a group was saved.
    pub(crate) fn open(
        directory: &Path,
        key: JournalKey,
        clock: Arc<dyn Clock>,
    ) -> io::Result<(Self, Contents)> {
        let path = directory.join(FILE_NAME);
        let left = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let contents = key.read(&left);
        let copy = match contents.end {
            End::Whole => None,
            End::Torn => Some(TORN_NAME),
            End::Changed => Some(CHANGED_NAME),
        };
        if let Some(name) = copy {
            keep(&path, &directory.join(name)).map_err(|error| {
                io::Error::new(error.kind(), format!("no copy as {name}: {error}"))
            })?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        let state = State {
            file,
            length: 0,
            link: key.begin(0).1,
            page: 0,
            waiting: Vec::new(),
            waiting_since: None,
            saving_since: None,
            condition: Condition::Broken,
        };
        let journal = Self {
            directory: directory.to_owned(),
            key,
            clock,
            limits: LIMITS,
            state: Mutex::new(state),
        };
        Ok((journal, contents))
    }

    /// Hands records to the operating system.
    ///
    /// # Errors
    /// If the file cannot be written, such as on a full disk. The records are then not in it.
    pub(crate) fn append(&self, records: Vec<Record>) -> io::Result<Appended> {
        let now = self.clock.instant();
        let mut state = self.state.lock();
        let oldest = state.saving_since.or(state.waiting_since);
        let is_late = oldest
            .is_some_and(|since| now.saturating_duration_since(since) >= self.limits.patience);
        let is_full = state.waiting.len() >= self.limits.waiting;
        if state.condition != Condition::Ready || is_late || is_full {
            return Ok(Appended::Declined(records));
        }
        let (entry, link) = self.key.entry(&state.link, &records)?;
        // At a position: after a failure the file's own would be behind the part that was written.
        if let Err(error) = state.file.write_all_at(&entry, state.length) {
            // A part of the entry would make every later one unreadable.
            if state.file.set_len(state.length).is_err() {
                state.condition = Condition::Broken;
            }
            return Err(error);
        }
        state.length += entry.len() as u64;
        state.link = link;
        let is_first = state.waiting.is_empty();
        state.waiting.extend(records);
        state.waiting_since.get_or_insert(now);
        Ok(Appended::Accepted { is_first })
    }

    /// Whether records wait for a page.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Whether records are not in a saved page, so that a reader of the trail would miss them.
    pub(crate) fn is_ahead(&self) -> bool {
        let state = self.state.lock();
        state.saving_since.or(state.waiting_since).is_some()
    }

    /// A start reads the pages after this one for the records of the file, the first of them only to prove the next
    /// one; `None` if the file has no records.
    pub(crate) fn needs_after(&self) -> Option<i64> {
        let state = self.state.lock();
        let (beginning, _) = self.key.begin(state.page);
        let has_records = state.length > beginning.len() as u64;
        (has_records || state.condition == Condition::Broken).then_some(before(state.page))
    }

    /// The records that the next group must save.
    pub(crate) fn take(&self) -> Vec<Record> {
        let mut state = self.state.lock();
        state.saving_since = state.waiting_since.take();
        std::mem::take(&mut state.waiting)
    }

    /// A group was saved, with the records taken for it. `page` is the number of the trail's newest page.
    pub(crate) fn note_saved(&self, page: i64) {
        let mut state = self.state.lock();
        let has_saved = state.saving_since.take().is_some();
        let is_empty = state.waiting.is_empty();
        let is_due = state.condition != Condition::Ready
            || has_saved && (is_empty || state.length > self.limits.length)
            || page.saturating_sub(state.page) >= self.limits.pages;
        if is_due {
            self.try_to_begin_again(&mut state, page);
        }
    }

    /// Records that a group did not save, or that an earlier process left, wait for a page before all others.
    pub(crate) fn note_unsaved(&self, mut records: Vec<Record>) {
        let mut state = self.state.lock();
        // The page that was not saved numbered them.
        for record in &mut records {
            record.sequence = 0;
        }
        records.append(&mut state.waiting);
        state.waiting = records;
        if !state.waiting.is_empty() {
            let since = state.saving_since.take().or(state.waiting_since);
            state.waiting_since = since.or_else(|| Some(self.clock.instant()));
        }
        if state.condition == Condition::Ready {
            state.condition = Condition::Unsaved;
        }
    }

    /// Begins a journal after this page. If that fails, the writer tries again after the next page.
    pub(crate) fn begin(&self, page: i64) {
        self.try_to_begin_again(&mut self.state.lock(), page);
    }

    /// Declines all further records.
    pub(crate) fn close(&self) {
        self.state.lock().condition = Condition::Closed;
    }

    fn try_to_begin_again(&self, state: &mut State, page: i64) {
        if let Err(error) = self.begin_again(state, page) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal of uses could not be replaced"
            );
        }
    }

    /// Replaces the file by one that has only the records that no page has.
    ///
    /// The new file gets its name when it is complete, so that a process that is killed leaves the old one or the new
    /// one. If this fails, the old one stays in use.
    fn begin_again(&self, state: &mut State, page: i64) -> io::Result<()> {
        let (mut bytes, mut link) = self.key.begin(page);
        if !state.waiting.is_empty() {
            let (entry, next) = self.key.entry(&link, &state.waiting)?;
            bytes.extend(entry);
            link = next;
        }
        let next = self.directory.join(NEXT_NAME);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(&bytes)?;
        std::fs::rename(&next, self.directory.join(FILE_NAME))?;
        state.file = file;
        state.length = bytes.len() as u64;
        state.link = link;
        state.page = page;
        if state.condition != Condition::Closed {
            state.condition = Condition::Ready;
        }
        Ok(())
    }
}

/// The page after which a start reads for a journal that began after `page`: the hash of `page` itself shows whether
/// the next one follows it.
fn before(page: i64) -> i64 {
    (page - 1).max(0)
}

/// Keeps a journal that is not whole. A link takes no space on a full disk, and the journal's file is never written to
/// again; not every file system has links.
fn keep(path: &Path, kept: &Path) -> io::Result<()> {
    match std::fs::remove_file(kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::hard_link(path, kept).or_else(|_| std::fs::copy(path, kept).map(|_| ()))
}

#[cfg(test)]
mod tests;
