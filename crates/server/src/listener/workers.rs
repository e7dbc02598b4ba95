//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on one thread, and with it all that its requests do, also their connections to tool servers. So a task
//! that wakes another one need not wake a thread, which takes longer than many a request.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// One thread for each processor. Dropping this ends them, and whatever still runs there.
pub struct Workers {
    first: Place,
    others: Vec<Place>,
    _running: DropGuard,
}

/// A connection's place on a worker.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) runtime: Handle,
    /// Shared by all places on the worker, to count them.
    connections: Arc<()>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Workers").finish_non_exhaustive()
    }
}

impl Workers {
    /// Starts the threads. Fails if the system grants no more.
    pub fn start() -> io::Result<Self> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let others = (1..count).map(|number| start(number, stop.clone()));
        Ok(Self {
            first: start(0, stop.clone())?,
            others: others.collect::<io::Result<_>>()?,
            _running: running,
        })
    }

    /// A place on the worker that has the fewest connections.
    pub(super) fn place(&self) -> Place {
        let fewer = |one, other| if load(other) < load(one) { other } else { one };
        self.others.iter().fold(&self.first, fewer).clone()
    }
}

fn start(number: usize, stop: CancellationToken) -> io::Result<Place> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let place = Place {
        runtime: runtime.handle().clone(),
        connections: Arc::default(),
    };
    let thread = thread::Builder::new().name(format!("connections-{number}"));
    thread.spawn(move || {
        runtime.block_on(stop.cancelled());
        runtime.shutdown_background();
    })?;
    Ok(place)
}

fn load(place: &Place) -> usize {
    Arc::strong_count(&place.connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_goes_to_the_worker_with_the_fewest() {
        let workers = Workers::start().unwrap();
        let count = 1 + workers.others.len();
        let mut places: Vec<_> = (0..2 * count).map(|_| workers.place()).collect();
        let id = |place: &Place| place.runtime.id().to_string();
        let mut each: Vec<_> = places.iter().take(count).map(id).collect();
        let again: Vec<_> = places.iter().skip(count).map(id).collect();
        assert_eq!(each, again);
        each.sort();
        each.dedup();
        assert_eq!(each.len(), count);
        let ended = id(&places.swap_remove(count / 2));
        assert_eq!(id(&workers.place()), ended);
    }

    #[tokio::test]
    async fn what_runs_on_a_worker_ends_with_it() {
        let workers = Workers::start().unwrap();
        let running = workers.place().runtime.spawn(std::future::pending::<()>());
        drop(workers);
        assert!(running.await.unwrap_err().is_cancelled());
    }
}
