//! The other processes on the database: when each was last heard of, and where it can be reached.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use toolvault_core::keyring::Keyring;
use toolvault_core::replica::{Address, is_fresh};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

/// For how long one that is silent is remembered.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// Another process on the same database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The random ID that it has as long as it runs.
    pub process: Uuid,
    /// How long ago it was last heard of, in milliseconds. It sends five heartbeats a second.
    pub silent_ms: u64,
    /// The URL at which other servers reach it; absent if it told none.
    pub url: Option<String>,
}

/// The processes that were heard of lately.
#[derive(Default)]
pub(crate) struct Heard {
    processes: Mutex<HashMap<Uuid, Process>>,
    /// Done once an address was refused.
    refused: OnceLock<()>,
}

struct Process {
    at: Instant,
    told: Option<Told>,
}

/// The last address that a process told.
struct Told {
    url: String,
    /// When it was told, on the clock of that process.
    at: Timestamp,
    heard: Instant,
}

impl Heard {
    pub(crate) fn replicas(&self) -> Vec<Replica> {
        let processes = self.processes.lock();
        let replica = |(process, heard): (&Uuid, &Process)| Replica {
            process: *process,
            silent_ms: u64::try_from(heard.at.elapsed().as_millis()).unwrap_or(u64::MAX),
            url: heard.told.as_ref().map(|told| told.url.clone()),
        };
        let mut replicas: Vec<_> = processes.iter().map(replica).collect();
        replicas.sort_by_key(|replica| replica.process);
        replicas
    }

    /// The URL of a process that told it lately.
    pub(crate) fn url_of(&self, process: Uuid) -> Option<String> {
        let processes = self.processes.lock();
        let told = processes.get(&process)?.told.as_ref()?;
        (told.heard.elapsed() < FORGOTTEN_AFTER).then(|| told.url.clone())
    }

    /// Notes a sign of life. An address counts only if its process told it just now, and if it is newer than the last
    /// one: a copy of it does not keep a dead process reachable.
    pub(super) fn hear(
        &self,
        process: Uuid,
        address: Option<Address>,
        now: Timestamp,
        keyring: &Keyring,
    ) {
        let is_given = address.is_some();
        let address = address
            .filter(|address| is_fresh(address.at, now) && address.is_authentic(process, keyring));
        if is_given && address.is_none() && self.refused.set(()).is_ok() {
            tracing::warn!(
                "a server on this database told an address that is forged or not of now; its sessions are not found \
                 here. Do the clocks of all servers agree?"
            );
        }
        let (mut processes, heard) = (self.processes.lock(), Instant::now());
        processes.retain(|_, process| process.at.elapsed() < FORGOTTEN_AFTER);
        let known = processes.remove(&process).and_then(|known| known.told);
        let told = match address {
            Some(Address { url, at, .. }) if known.as_ref().is_none_or(|known| known.at < at) => {
                Some(Told { url, at, heard })
            }
            _ => known,
        };
        processes.insert(process, Process { at: heard, told });
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::confidential::Key;
    use toolvault_core::identity::InstallationId;
    use toolvault_core::timestamp::SECOND;

    use super::*;
    use crate::clock::SystemEntropy;

    const PROCESS: Uuid = Uuid::from_u128(1);

    fn keyring() -> Keyring {
        let root = Key::generate(&SystemEntropy).unwrap();
        let installation = InstallationId::generate(&SystemEntropy, Timestamp::default()).unwrap();
        let rows = Keyring::create(&root, installation, &SystemEntropy).unwrap();
        Keyring::open(&root, installation, &rows).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * SECOND)
    }

    #[test]
    fn a_process_is_where_it_last_said_itself_and_just_now() {
        let (heard, own, other) = (Heard::default(), keyring(), keyring());
        let tell = |url: &str, told: i64, keyring: &Keyring| {
            let address = Address::new(PROCESS, url.to_owned(), at(told), keyring);
            heard.hear(PROCESS, Some(address), at(100), &own);
            heard.url_of(PROCESS)
        };
        assert_eq!(tell("forged", 100, &other), None);
        assert_eq!(tell("old", 69, &own), None);
        assert_eq!(tell("ahead", 131, &own), None);
        assert_eq!(tell("first", 90, &own), Some("first".to_owned()));
        assert_eq!(tell("second", 95, &own), Some("second".to_owned()));
        // A copy of the first.
        assert_eq!(tell("first", 90, &own), Some("second".to_owned()));
        assert_eq!(tell("forged", 100, &other), Some("second".to_owned()));
        heard.hear(PROCESS, None, at(100), &own);
        assert_eq!(heard.url_of(PROCESS), Some("second".to_owned()));
        assert_eq!(heard.url_of(Uuid::from_u128(2)), None);
    }

    #[test]
    fn another_process_cannot_speak_for_one() {
        let (heard, own) = (Heard::default(), keyring());
        let address = Address::new(Uuid::from_u128(2), "other".to_owned(), at(1), &own);
        heard.hear(PROCESS, Some(address), at(1), &own);
        assert_eq!(heard.url_of(PROCESS), None);
    }

    #[test]
    fn a_copy_does_not_keep_a_dead_process_reachable() {
        let (heard, own) = (Heard::default(), keyring());
        let address = Address::new(PROCESS, "dead".to_owned(), at(1), &own);
        heard.hear(PROCESS, Some(address.clone()), at(1), &own);
        let told = || {
            heard.processes.lock()[&PROCESS]
                .told
                .as_ref()
                .map(|told| told.heard)
        };
        let last = told().unwrap();
        heard.hear(PROCESS, Some(address), at(2), &own);
        assert_eq!(told(), Some(last));
    }
}
