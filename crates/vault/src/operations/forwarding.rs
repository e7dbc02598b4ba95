//! Requests that one server on the database forwards to another, because only that one can answer.

use std::collections::HashSet;

use toolvault_core::entropy::EntropyError;
use toolvault_core::envelope::OpenError;
use toolvault_core::replica::{FRESH_FOR, ForwardedHead, Passage, is_fresh};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use crate::vault::Vault;

/// The forwarded requests that a process accepted, at least as long as they are fresh: each counts once.
#[derive(Default)]
pub(crate) struct Accepted {
    since: Timestamp,
    recent: HashSet<[u8; 16]>,
    earlier: HashSet<[u8; 16]>,
}

impl Accepted {
    /// Notes a request; `false` if it is known.
    fn is_first(&mut self, id: [u8; 16], now: Timestamp) -> bool {
        // The clock of the sender may be ahead by as much again.
        if now.since(self.since) > 2 * FRESH_FOR {
            self.earlier = std::mem::take(&mut self.recent);
            self.since = now;
        }
        !self.earlier.contains(&id) && self.recent.insert(id)
    }
}

/// A sealed request.
#[expect(missing_debug_implementations, reason = "it has keys")]
pub struct Forwarded {
    /// The keys.
    pub passage: Passage,
    /// The sealed head.
    pub head: Vec<u8>,
    /// The sealed body.
    pub body: Vec<u8>,
}

/// Why a request that claims to be forwarded is refused.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// No server with this keyring sealed it.
    #[error(transparent)]
    Forged(#[from] OpenError),
    /// It is for another process.
    #[error("it is for another server")]
    OtherServer,
    /// It was sealed too long ago, or in the future.
    #[error("it is not of now; do the clocks of both servers agree?")]
    NotFresh,
    /// It was accepted before.
    #[error("it was sent before")]
    Repeated,
}

impl Vault {
    /// Tells the other servers on the database from now on at which URL they reach this one. Only the first call counts.
    pub fn announce_url(&self, url: String) {
        self.shared.channel.announce_url(url);
    }

    /// The ID of this process among the servers on the database, if the others can reach it.
    pub fn replica_id(&self) -> Option<Uuid> {
        self.shared.channel.reachable()
    }

    /// The URL of another server on the database, if it told one within the last minute.
    pub fn replica_url(&self, replica: Uuid) -> Option<String> {
        self.shared.channel.heard.url_of(replica)
    }

    /// Seals a request for another server.
    pub fn seal_forwarded(
        &self,
        head: &ForwardedHead,
        body: &[u8],
    ) -> Result<Forwarded, EntropyError> {
        let entropy = self.shared.entropy.as_ref();
        let passage = Passage::new(&self.shared.keyring, entropy)?;
        Ok(Forwarded {
            head: passage.seal_head(head, entropy)?,
            body: passage.seal_body(body, entropy)?,
            passage,
        })
    }

    /// Opens the head of a request that another server forwarded to this one just now, once.
    pub fn open_forwarded(&self, sealed: &[u8]) -> Result<(Passage, ForwardedHead), ForwardError> {
        let (passage, head) = Passage::open_head(sealed, &self.shared.keyring)?;
        if self.replica_id() != Some(head.to) {
            return Err(ForwardError::OtherServer);
        }
        let now = self.shared.clock.now();
        if !is_fresh(head.at, now) {
            return Err(ForwardError::NotFresh);
        }
        if !self.shared.accepted.lock().is_first(passage.id, now) {
            return Err(ForwardError::Repeated);
        }
        Ok((passage, head))
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::timestamp::SECOND;

    use super::*;

    #[test]
    fn a_request_counts_once_as_long_as_it_is_fresh_on_any_clock() {
        let mut accepted = Accepted::default();
        let at = |seconds: i64| Timestamp::from_microseconds((1_000 + seconds) * SECOND);
        for begin in 0..61_i64 {
            let id = [u8::try_from(begin).unwrap(); 16];
            assert!(accepted.is_first(id, at(begin)));
            // It was sealed on a clock that was 30 seconds ahead.
            assert!(!accepted.is_first(id, at(begin + 60)));
            accepted = Accepted {
                since: at(0),
                ..Accepted::default()
            };
        }
        assert!(accepted.is_first([1; 16], at(61)));
        assert!(accepted.is_first([2; 16], at(122)));
        assert!(accepted.is_first([3; 16], at(183)));
        assert_eq!((accepted.recent.len(), accepted.earlier.len()), (1, 1));
    }
}
