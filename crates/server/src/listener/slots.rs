//! The open connections, and which of them to close when there are too many.
//!
//! A client that keeps connections open without using them must not lock out other clients. So a new connection
//! replaces an idle one, and no source may hold all of them; see [`Connections::admit`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;

/// One source leaves this fraction of the connections to the others.
const LEFT_TO_OTHERS: usize = 8;

/// How often to look for an idle connection while all are in use.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The open connections of a listener.
pub(super) struct Connections {
    limit: usize,
    open: Mutex<Open>,
    /// Notified when a connection ends.
    freed: Notify,
}

#[derive(Default)]
struct Open {
    /// Numbers every connection that was admitted.
    number: u64,
    by_number: HashMap<u64, Entry>,
}

struct Entry {
    source: Option<IpAddr>,
    activity: Arc<Activity>,
    close: CancellationToken,
}

/// A connection that may be served. It counts as open until this is dropped.
pub(super) struct Slot {
    connections: Arc<Connections>,
    number: u64,
    pub(super) activity: Arc<Activity>,
    /// Cancelled when another connection needs the slot.
    pub(super) close: CancellationToken,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open.lock().by_number.remove(&self.number);
        self.connections.freed.notify_one();
    }
}

impl Connections {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.max(1),
            open: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Admits a connection, and closes the longest idle one if there are too many. Waits while all are in use. Returns
    /// `None` if the source already uses its whole share. A connection without a source, through a trusted proxy,
    /// stands for many clients and has no share.
    pub(super) async fn admit(self: &Arc<Self>, source: Option<IpAddr>) -> Option<Slot> {
        loop {
            let freed = self.freed.notified();
            {
                let mut open = self.open.lock();
                let left_to_others = self.limit / LEFT_TO_OTHERS;
                let is_own = |entry: &Entry| entry.source == source;
                let own = open.by_number.values().filter(|entry| is_own(entry));
                let has_share = source.is_some() && left_to_others > 0;
                if has_share
                    && own.count() >= self.limit - left_to_others
                    && !open.close_idle(is_own)
                {
                    return None;
                }
                if open.by_number.len() < self.limit || open.close_idle(|_| true) {
                    return Some(self.slot(&mut open, source));
                }
            }
            // A connection that becomes idle does not notify.
            let _ = timeout(LOOK_AGAIN, freed).await;
        }
    }

    fn slot(self: &Arc<Self>, open: &mut Open, source: Option<IpAddr>) -> Slot {
        open.number += 1;
        let entry = Entry {
            source,
            activity: Arc::default(),
            close: CancellationToken::new(),
        };
        let slot = Slot {
            connections: Arc::clone(self),
            number: open.number,
            activity: Arc::clone(&entry.activity),
            close: entry.close.clone(),
        };
        open.by_number.insert(open.number, entry);
        slot
    }
}

impl Open {
    /// Closes the longest idle connection for which `may_close` is true. Returns whether there was one.
    fn close_idle(&mut self, may_close: impl Fn(&Entry) -> bool) -> bool {
        let idle = self
            .by_number
            .iter()
            .filter(|(_, entry)| may_close(entry))
            .filter_map(|(number, entry)| Some((entry.activity.idle_since()?, *number)));
        let Some((_, number)): Option<(Instant, u64)> = idle.min() else {
            return false;
        };
        if let Some(entry) = self.by_number.remove(&number) {
            entry.close.cancel();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const OTHER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    async fn admit(connections: &Arc<Connections>, source: Option<IpAddr>) -> Option<Slot> {
        let admitting = connections.admit(source);
        let limit = std::time::Duration::from_millis(100);
        tokio::time::timeout(limit, admitting).await.ok().flatten()
    }

    #[tokio::test]
    async fn when_all_are_taken_the_one_idle_longest_goes() {
        let connections = Connections::new(2);
        let first = admit(&connections, ONE).await.unwrap();
        let second = admit(&connections, OTHER).await.unwrap();
        drop(first.activity.request());
        let third = admit(&connections, ONE).await.unwrap();
        assert!(second.close.is_cancelled());
        assert!(!first.close.is_cancelled() && !third.close.is_cancelled());
        drop(second);
        let in_use = [first.activity.request(), third.activity.request()];
        assert!(
            admit(&connections, OTHER).await.is_none(),
            "both are in use"
        );
        drop(in_use);
        assert!(admit(&connections, OTHER).await.is_some());
    }

    #[tokio::test]
    async fn one_source_cannot_take_all() {
        let connections = Connections::new(16);
        let mut slots = Vec::new();
        let mut in_use = Vec::new();
        for _ in 0..14 {
            let slot = admit(&connections, ONE).await.unwrap();
            in_use.push(slot.activity.request());
            slots.push(slot);
        }
        assert!(admit(&connections, ONE).await.is_none());
        let other = admit(&connections, OTHER).await.unwrap();
        let proxy = admit(&connections, None).await.unwrap();
        assert!(slots.iter().all(|slot| !slot.close.is_cancelled()));
        in_use.pop();
        assert!(admit(&connections, ONE).await.is_some());
        assert!(slots[13].close.is_cancelled());
        assert!(!other.close.is_cancelled() && !proxy.close.is_cancelled());
    }
}
