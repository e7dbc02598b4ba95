//! The values of a user's canaries, which are searched for in what the user's callers send.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use toolvault_core::json::Value;
use toolvault_core::redaction::{Added, Key, Redactor};

use super::index::Index;
use crate::operations::injection::RepeatedValue;

/// How much memory the search for one user's canaries takes, in bytes: about 80 tokens. Further ones are not found.
const MOST_BYTES: usize = 256 << 10;
/// What the search for one of them usually takes.
const USUAL_BYTES: usize = 3 << 10;

/// The search for the canaries of one generation of the user's secrets.
#[derive(Default)]
pub(crate) struct Watch {
    kept: Mutex<Option<(i64, Arc<Watched>)>>,
    /// Done once the log has that not all of them are found.
    told: OnceLock<()>,
}

/// Values to search for, and whose they are. It has only keyed hashes of them.
pub(crate) struct Watched {
    redactor: Redactor,
    values: Vec<(Added, RepeatedValue)>,
}

impl Watch {
    /// Whether it is the first time that some were left out.
    pub(crate) fn is_news(&self) -> bool {
        self.told.set(()).is_ok()
    }

    pub(crate) fn weight(index: &Index) -> usize {
        (index.canaries().len() * USUAL_BYTES).min(MOST_BYTES)
    }

    pub(crate) fn find(&self, generation: i64) -> Option<Arc<Watched>> {
        let kept = self.kept.lock();
        let (kept, watched) = kept.as_ref()?;
        (*kept == generation).then(|| Arc::clone(watched))
    }

    pub(crate) fn keep(&self, generation: i64, watched: &Arc<Watched>) {
        *self.kept.lock() = Some((generation, Arc::clone(watched)));
    }
}

impl Watched {
    pub(crate) fn new(key: &Key) -> Self {
        Self {
            redactor: Redactor::new(key),
            values: Vec::new(),
        }
    }

    /// Whether there is room for a usual value.
    pub(crate) fn has_room(&self) -> bool {
        self.redactor.bytes() + USUAL_BYTES <= MOST_BYTES
    }

    /// Adds a value, and returns whether there was room for it. One that is too short is ignored.
    pub(crate) fn add(&mut self, value: RepeatedValue, text: &str) -> bool {
        let Some(added) = self.redactor.add(&value.secret_name, text) else {
            return true;
        };
        // A value of many lines takes much more than usual.
        let fits = self.redactor.bytes() <= MOST_BYTES;
        if fits {
            self.values.push((added, value));
        } else {
            self.redactor.remove(added);
        }
        fits
    }

    pub(crate) fn found(&self, sent: Value<'_>) -> Vec<RepeatedValue> {
        let found = self.redactor.found(sent);
        let values = self.values.iter();
        let values = values.filter(|(added, _)| found.contains(added));
        values.map(|(_, value)| value.clone()).collect()
    }
}
