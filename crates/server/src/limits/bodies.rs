//! Memory for the bodies of requests in flight, so that a few callers cannot use all memory of the process.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::ApiError;

/// How many bodies of the largest size there may be at the same time.
const LARGEST_AT_ONCE: usize = 16;
/// One caller may use this fraction of the memory.
const SHARE_OF_CALLER: usize = 2;

/// How many bytes the bodies in flight have: of each caller, and of all.
#[derive(Default)]
pub(crate) struct Bodies(Mutex<Used>);

#[derive(Default)]
struct Used {
    by_caller: HashMap<String, usize>,
    all: usize,
}

/// The bytes of one body. They count until this is dropped.
pub(crate) struct Room {
    bodies: Arc<Bodies>,
    caller: String,
    bytes: usize,
    /// For the bodies of all callers.
    most: usize,
}

impl Bodies {
    /// Room for a body of this caller. The largest possible body has `largest` bytes.
    pub(crate) fn room(self: &Arc<Self>, caller: String, largest: usize) -> Room {
        Room {
            bodies: Arc::clone(self),
            caller,
            bytes: 0,
            most: largest.saturating_mul(LARGEST_AT_ONCE),
        }
    }
}

impl Room {
    /// Counts further bytes.
    ///
    /// # Errors
    /// If the bodies of this caller, or of all callers, would have too many bytes. The bytes are then not counted.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        let mut used = self.bodies.0.lock();
        let own = used.by_caller.get(&self.caller).copied().unwrap_or(0);
        if own + bytes > self.most / SHARE_OF_CALLER {
            return Err(ApiError::TooManyRequests(1));
        }
        if used.all + bytes > self.most {
            return Err(ApiError::Busy);
        }
        used.by_caller.insert(self.caller.clone(), own + bytes);
        used.all += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut used = self.bodies.0.lock();
        used.all -= self.bytes;
        if let Some(own) = used.by_caller.get_mut(&self.caller) {
            *own -= self.bytes;
            if *own == 0 {
                used.by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 100;

    #[test]
    fn a_caller_has_half_of_the_memory_and_gets_it_back() {
        let bodies = Arc::<Bodies>::default();
        let room = |caller: &str| bodies.room(caller.to_owned(), LARGEST);
        let mut first = room("a");
        for _ in 0..8 {
            first.add(LARGEST).unwrap();
        }
        assert!(matches!(first.add(1), Err(ApiError::TooManyRequests(1))));
        assert!(matches!(
            room("a").add(1),
            Err(ApiError::TooManyRequests(1))
        ));
        let (mut second, mut third) = (room("b"), room("c"));
        second.add(8 * LARGEST - 1).unwrap();
        third.add(1).unwrap();
        assert!(matches!(third.add(1), Err(ApiError::Busy)));
        drop(first);
        third.add(1).unwrap();
        drop((second, third));
        let used = bodies.0.lock();
        assert_eq!((used.all, used.by_caller.len()), (0, 0));
    }
}
