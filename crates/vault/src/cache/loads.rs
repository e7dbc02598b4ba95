//! Loads that are shared. Everyone who uses an entry that has left the cache wants it at once. If each loaded it, they
//! would take connections and processors from all others.
//!
//! A caller takes the result of a load only if it began after the caller came: an earlier one may have missed a change
//! that the caller knows of. So one load runs at a time for each key, and all who wait share the next one.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// The loads that run or are waited for.
pub(crate) struct Loads<K, V>(Mutex<HashMap<K, Waiting<V>>>);

struct Waiting<V> {
    callers: usize,
    turn: Arc<Turn<V>>,
}

struct Turn<V> {
    /// How many loads have begun.
    begun: AtomicU64,
    /// The number of the last load that succeeded, and its result. Locked while one runs.
    last: tokio::sync::Mutex<(u64, Option<Arc<V>>)>,
}

/// Counts a caller until it is dropped. The result goes with the last one.
struct Caller<'a, K: Hash + Eq, V> {
    loads: &'a Loads<K, V>,
    key: &'a K,
    turn: Arc<Turn<V>>,
}

impl<K: Hash + Eq + Clone, V> Loads<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The result of `load`, or of another caller's load that began after this call.
    pub(crate) async fn share<E>(
        &self,
        key: &K,
        load: impl Future<Output = Result<Option<Arc<V>>, E>>,
    ) -> Result<Option<Arc<V>>, E> {
        let caller = self.enter(key);
        let turn = &caller.turn;
        let begun = turn.begun.load(Ordering::Acquire);
        let mut last = turn.last.lock().await;
        if last.0 > begun {
            return Ok(last.1.clone());
        }
        let number = turn.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let loaded = load.await?;
        *last = (number, loaded.clone());
        Ok(loaded)
    }

    fn enter<'a>(&'a self, key: &'a K) -> Caller<'a, K, V> {
        let mut waiting = self.0.lock();
        let waiting = waiting.entry(key.clone()).or_insert_with(|| Waiting {
            callers: 0,
            turn: Arc::new(Turn {
                begun: AtomicU64::new(0),
                last: tokio::sync::Mutex::new((0, None)),
            }),
        });
        waiting.callers += 1;
        Caller {
            loads: self,
            key,
            turn: Arc::clone(&waiting.turn),
        }
    }
}

impl<K: Hash + Eq, V> Drop for Caller<'_, K, V> {
    fn drop(&mut self) {
        let mut waiting = self.loads.0.lock();
        if let Some(found) = waiting.get_mut(self.key) {
            found.callers -= 1;
            if found.callers == 0 {
                waiting.remove(self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::Semaphore;

    use super::*;

    type Loaded = Result<Option<Arc<u64>>, ()>;

    /// What a load with this number gives; one without a number fails.
    fn loaded(number: impl Into<Option<u64>>) -> Loaded {
        let number = number.into().ok_or(())?;
        Ok(Some(Arc::new(number)))
    }

    #[tokio::test]
    async fn who_comes_during_a_load_waits_for_the_next_which_all_share() {
        let (loads, gate, count) = (Loads::new(), Semaphore::new(0), AtomicU64::new(0));
        let share = || {
            loads.share(&1, async {
                let number = count.fetch_add(1, Ordering::Relaxed);
                gate.acquire().await.unwrap().forget();
                loaded(number)
            })
        };
        let open = async { gate.add_permits(2) };
        let (first, second, third, fourth, ()) =
            tokio::join!(share(), share(), share(), share(), open);
        assert_eq!(first, loaded(0));
        for later in [second, third, fourth] {
            assert_eq!(later, loaded(1));
        }
        assert!(loads.0.lock().is_empty());
        gate.add_permits(1);
        assert_eq!(share().await, loaded(2));
    }

    #[tokio::test]
    async fn after_a_load_that_failed_or_was_given_up_the_next_caller_loads() {
        let loads = Loads::new();
        let gate = Semaphore::new(0);
        let failing = loads.share(&1, async {
            gate.acquire().await.unwrap().forget();
            loaded(None)
        });
        let open = async { gate.add_permits(1) };
        let waiting = loads.share(&1, ready(loaded(1)));
        let (failed, next, ()) = tokio::join!(failing, waiting, open);
        assert_eq!((failed, next), (loaded(None), loaded(1)));

        let abandoned = loads.share(&1, pending::<Loaded>());
        let waiting = loads.share(&1, ready(loaded(2)));
        let give_up = async {
            tokio::select! {
                biased;
                _ = abandoned => unreachable!(),
                permit = gate.acquire() => permit.unwrap().forget(),
            }
        };
        let open = async { gate.add_permits(1) };
        let ((), next, ()) = tokio::join!(give_up, waiting, open);
        assert_eq!(next, loaded(2));
        assert!(loads.0.lock().is_empty());
    }

    #[tokio::test]
    async fn keys_do_not_wait_for_each_other() {
        let loads = Loads::new();
        tokio::select! {
            biased;
            _ = loads.share(&1, pending::<Loaded>()) => unreachable!(),
            found = loads.share(&2, ready(loaded(2))) => assert_eq!(found, loaded(2)),
        }
    }
}
