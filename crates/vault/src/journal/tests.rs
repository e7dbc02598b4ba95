//! When the journal takes records, and what its file has then.

use toolvault_core::audit::record::{Action, Actor, Decision};
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::*;

/// A clock whose instant moves on request.
struct Moved(Mutex<Instant>);

impl Moved {
    fn advance(&self, milliseconds: u64) {
        *self.0.lock() += Duration::from_millis(milliseconds);
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_microseconds(0)
    }

    fn instant(&self) -> Instant {
        *self.0.lock()
    }
}

/// A journal in a directory of its own.
struct Kept {
    directory: tempfile::TempDir,
    journal: Journal,
    clock: Arc<Moved>,
}

impl Kept {
    /// Begins after page 7.
    fn with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = JournalKey::new([1; 32], InstallationId(Uuid::from_u128(7)));
        let clock = Arc::new(Moved(Mutex::new(Instant::now())));
        let (mut journal, _) =
            Journal::open(directory.path(), key, Arc::<Moved>::clone(&clock)).unwrap();
        journal.limits = limits;
        journal.begin(7);
        Self {
            directory,
            journal,
            clock,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(FILE_NAME)
    }

    /// Whether a record of this time is accepted.
    fn accepts(&self, time: i64) -> bool {
        let records = vec![record(time)];
        match self.journal.append(records.clone()).unwrap() {
            Appended::Accepted { .. } => true,
            Appended::Declined(declined) => {
                assert_eq!(declined, records);
                false
            }
        }
    }

    /// The page after which the file began, and the times of its records.
    fn file(&self) -> (i64, Vec<i64>) {
        let contents = self.journal.key.read(&std::fs::read(self.path()).unwrap());
        assert_eq!(contents.end, End::Whole);
        (contents.page, times(&contents.records))
    }
}

fn record(time: i64) -> Record {
    let at = Timestamp::from_microseconds(time);
    Record::new(
        at,
        &Actor::Anonymous,
        None,
        Action::SecretUsed,
        Decision::Allowed,
    )
}

fn times(records: &[Record]) -> Vec<i64> {
    let times = records.iter().map(|record| record.at.microseconds());
    times.collect()
}

#[test]
fn after_a_page_the_file_is_empty_unless_records_wait() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1) && kept.accepts(2));
    assert_eq!(times(&kept.journal.take()), [1, 2]);
    assert!(kept.journal.is_ahead() && !kept.journal.is_waiting());
    assert!(kept.accepts(3));
    kept.journal.note_saved(8);
    assert_eq!(kept.file(), (7, vec![1, 2, 3]));
    assert_eq!(times(&kept.journal.take()), [3]);
    kept.journal.note_saved(9);
    assert_eq!(kept.file(), (9, vec![]));
    assert!(!kept.journal.is_ahead());
}

#[test]
fn a_start_needs_the_pages_after_its_beginning_only_for_records() {
    let kept = Kept::with(LIMITS);
    assert_eq!(kept.journal.needs_after(), None);
    assert!(kept.accepts(1));
    assert_eq!(kept.journal.needs_after(), Some(6));
    kept.journal.take();
    assert_eq!(kept.journal.needs_after(), Some(6));
    kept.journal.note_saved(8);
    assert_eq!(kept.journal.needs_after(), None);
    // What an earlier process left is not known before it is replaced.
    let key = JournalKey::new([1; 32], InstallationId(Uuid::from_u128(7)));
    let clock = Arc::<Moved>::clone(&kept.clock);
    let (journal, _) = Journal::open(kept.directory.path(), key, clock).unwrap();
    assert_eq!(journal.needs_after(), Some(0));
    journal.begin(9);
    assert_eq!(journal.needs_after(), None);
}

#[test]
fn a_long_file_is_replaced_together_with_the_records_that_wait() {
    let kept = Kept::with(Limits {
        length: 100,
        ..LIMITS
    });
    assert!(kept.accepts(1));
    kept.journal.take();
    assert!(kept.accepts(2) && kept.accepts(3));
    kept.journal.note_saved(8);
    assert_eq!(kept.file(), (8, vec![2, 3]));
    // The file continues behind them.
    assert!(kept.accepts(4));
    assert_eq!(kept.file(), (8, vec![2, 3, 4]));
    assert_eq!(times(&kept.journal.take()), [2, 3, 4]);
}

#[test]
fn a_file_that_began_many_pages_ago_is_replaced() {
    let kept = Kept::with(Limits {
        pages: 10,
        ..LIMITS
    });
    kept.journal.note_saved(16);
    assert_eq!(kept.file(), (7, vec![]));
    kept.journal.note_saved(17);
    assert_eq!(kept.file(), (17, vec![]));
}

#[test]
fn when_many_records_wait_the_next_are_declined() {
    let kept = Kept::with(Limits {
        waiting: 2,
        ..LIMITS
    });
    assert!(kept.accepts(1) && kept.accepts(2));
    assert!(!kept.accepts(3));
    assert_eq!(kept.file(), (7, vec![1, 2]));
    kept.journal.take();
    assert!(kept.accepts(4));
}

#[test]
fn when_a_record_waits_for_long_the_next_are_declined() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1));
    kept.clock.advance(999);
    assert!(kept.accepts(2));
    kept.clock.advance(1);
    assert!(!kept.accepts(3));
    // The group with the records hangs.
    assert_eq!(times(&kept.journal.take()), [1, 2]);
    assert!(!kept.accepts(4));
    kept.journal.note_saved(8);
    assert!(kept.accepts(5));
    assert_eq!(kept.file(), (8, vec![5]));
}

#[test]
fn records_that_were_not_saved_wait_before_all_others_and_are_as_old_as_before() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1));
    let mut taken = kept.journal.take();
    kept.clock.advance(600);
    assert!(kept.accepts(2));
    taken[0].sequence = 5;
    kept.journal.note_unsaved(taken);
    assert!(!kept.accepts(3), "the trail cannot take records");
    // A group of changes is saved, and the records still wait.
    kept.journal.note_saved(8);
    assert_eq!(kept.file(), (8, vec![1, 2]));
    kept.clock.advance(399);
    assert!(kept.accepts(4));
    kept.clock.advance(1);
    assert!(!kept.accepts(5));
    let records = kept.journal.take();
    assert_eq!(times(&records), [1, 2, 4]);
    assert!(records.iter().all(|record| record.sequence == 0));
}

#[test]
fn a_file_that_cannot_be_written_to_is_replaced_after_the_next_page() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    kept.journal.state.lock().file = full;
    let refused = kept.journal.append(vec![record(2)]);
    let cause = refused.err().unwrap().kind();
    assert_eq!(cause, io::ErrorKind::StorageFull);
    // What was written of the record cannot be cut off.
    assert_eq!(kept.journal.state.lock().condition, Condition::Broken);
    assert!(!kept.accepts(3));
    assert_eq!(times(&kept.journal.take()), [1]);
    kept.journal.note_saved(8);
    assert!(kept.accepts(4));
    assert_eq!(kept.file(), (8, vec![4]));
}

#[test]
fn a_closed_journal_takes_nothing_and_is_emptied() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1));
    kept.journal.close();
    assert!(!kept.accepts(2));
    assert_eq!(times(&kept.journal.take()), [1]);
    kept.journal.note_saved(8);
    assert!(!kept.accepts(3));
    assert_eq!(kept.file(), (8, vec![]));
}

#[test]
fn a_journal_that_cannot_be_begun_takes_nothing_until_it_can() {
    let kept = Kept::with(LIMITS);
    let obstacle = kept.directory.path().join(NEXT_NAME);
    std::fs::create_dir(&obstacle).unwrap();
    let key = JournalKey::new([1; 32], InstallationId(Uuid::from_u128(7)));
    let clock = Arc::<Moved>::clone(&kept.clock);
    let (journal, _) = Journal::open(kept.directory.path(), key, clock).unwrap();
    journal.begin(9);
    let declined = journal.append(vec![record(1)]).unwrap();
    assert!(matches!(declined, Appended::Declined(_)));
    std::fs::remove_dir(&obstacle).unwrap();
    journal.note_saved(10);
    let accepted = journal.append(vec![record(2)]).unwrap();
    assert!(matches!(accepted, Appended::Accepted { is_first: true }));
    assert_eq!(kept.file(), (10, vec![2]));
}

#[test]
fn a_damaged_journal_is_kept_as_it_was_found() {
    let kept = Kept::with(LIMITS);
    assert!(kept.accepts(1));
    let whole = std::fs::read(kept.path()).unwrap();
    let mut changed = whole.clone();
    changed[0] ^= 1;
    let torn = &whole[..whole.len() - 1];
    for (left, end, name) in [
        (torn, End::Torn, TORN_NAME),
        (&changed, End::Changed, CHANGED_NAME),
        (torn, End::Torn, TORN_NAME),
    ] {
        std::fs::write(kept.path(), left).unwrap();
        let key = JournalKey::new([1; 32], InstallationId(Uuid::from_u128(7)));
        let clock = Arc::<Moved>::clone(&kept.clock);
        let (journal, contents) = Journal::open(kept.directory.path(), key, clock).unwrap();
        assert_eq!(contents.end, end);
        journal.begin(9);
        journal.append(vec![record(2)]).unwrap();
        let copy = std::fs::read(kept.directory.path().join(name)).unwrap();
        assert_eq!(copy, left);
        assert_eq!(kept.file(), (9, vec![2]));
    }
}
