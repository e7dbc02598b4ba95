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

use parking_lot::Mutex;
use toolvault_core::audit::journal::{Contents, End, JournalKey, Link};
use toolvault_core::audit::record::Record;

const FILE_NAME: &str = "uses.journal";
/// Where a journal is kept that was changed by something else.
const CHANGED_NAME: &str = "uses.journal.changed";
/// The next journal, before it replaces the old one.
const NEXT_NAME: &str = "uses.journal.next";
/// A journal longer than this is replaced although it has records that no page has. In bytes.
const LONGEST: u64 = 16 << 20;
/// How many records may wait for a page.
const MOST_WAITING: usize = 1 << 16;

/// The open journal of a data directory.
pub(crate) struct Journal {
    directory: PathBuf,
    key: JournalKey,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// The length of the whole entries, in bytes.
    length: u64,
    link: Link,
    /// The records that no page has and that no group is saving.
    waiting: Vec<Record>,
    /// How many records the current group is saving.
    saving: usize,
    condition: Condition,
}

#[derive(PartialEq, Eq)]
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
    /// A journal that was changed by something else is moved aside.
    pub(crate) fn open(directory: &Path, key: JournalKey) -> io::Result<(Self, Contents)> {
        let path = directory.join(FILE_NAME);
        let left = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let contents = key.read(&left);
        if contents.end == End::Changed {
            std::fs::copy(&path, directory.join(CHANGED_NAME))?;
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
            waiting: Vec::new(),
            saving: 0,
            condition: Condition::Broken,
        };
        let journal = Self {
            directory: directory.to_owned(),
            key,
            state: Mutex::new(state),
        };
        Ok((journal, contents))
    }

    /// Hands records to the operating system.
    ///
    /// # Errors
    /// If the file cannot be written, such as on a full disk. The records are then not in it.
    pub(crate) fn append(&self, records: Vec<Record>) -> io::Result<Appended> {
        let mut state = self.state.lock();
        if state.condition != Condition::Ready || state.waiting.len() >= MOST_WAITING {
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
        Ok(Appended::Accepted { is_first })
    }

    /// Whether records wait for a page.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Whether records are not in a saved page, so that a reader of the trail would miss them.
    pub(crate) fn is_ahead(&self) -> bool {
        let state = self.state.lock();
        state.saving > 0 || !state.waiting.is_empty()
    }

    /// The records that the next group must save.
    pub(crate) fn take(&self) -> Vec<Record> {
        let mut state = self.state.lock();
        let records = std::mem::take(&mut state.waiting);
        state.saving = records.len();
        records
    }

    /// A group was saved, with the records taken for it. `page` is the number of the trail's newest page.
    pub(crate) fn note_saved(&self, page: i64) {
        let mut state = self.state.lock();
        let has_saved = std::mem::take(&mut state.saving) > 0;
        let is_usable = state.condition == Condition::Ready;
        if is_usable && !(has_saved && (state.waiting.is_empty() || state.length > LONGEST)) {
            return;
        }
        if let Err(error) = self.begin_again(&mut state, page) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal of uses could not be replaced"
            );
        }
    }

    /// A group was not saved: the records taken for it wait again.
    pub(crate) fn note_unsaved(&self, mut records: Vec<Record>) {
        let mut state = self.state.lock();
        state.saving = 0;
        // The page that was not saved numbered them.
        for record in &mut records {
            record.sequence = 0;
        }
        records.append(&mut state.waiting);
        state.waiting = records;
        if state.condition == Condition::Ready {
            state.condition = Condition::Unsaved;
        }
    }

    /// Begins a journal after this page, in which no record waits.
    pub(crate) fn begin(&self, page: i64) -> io::Result<()> {
        self.begin_again(&mut self.state.lock(), page)
    }

    /// Declines all further records.
    pub(crate) fn close(&self) {
        self.state.lock().condition = Condition::Closed;
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
        if state.condition != Condition::Closed {
            state.condition = Condition::Ready;
        }
        Ok(())
    }
}
