//! What the servers on one database tell each other: where each can be reached, and requests that one forwards to
//! another.
//!
//! Someone who writes to the database, or who reaches a server, can neither make nor read it: the keys are derived from
//! the keyring.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::confidential::Confidential;
use crate::digest::{from_hexadecimal, hexadecimal};
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{self, NumberedKey, OpenError};
use crate::keyring::{Keyring, is_equal};
use crate::timestamp::{SECOND, Timestamp};
use crate::transcript::Transcript;

/// For how long a message counts, and by how much the clocks of servers may differ, in microseconds.
pub const FRESH_FOR: i64 = 30 * SECOND;

/// Whether a message of that moment counts now.
pub fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.since(at).abs() <= FRESH_FOR
}

/// Where a server can be reached by the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The URL.
    pub url: String,
    /// When it was told.
    pub at: Timestamp,
    /// The MAC, in hexadecimal.
    mac: String,
}

impl Address {
    /// The address of a process.
    pub fn new(process: Uuid, url: String, at: Timestamp, keyring: &Keyring) -> Self {
        let mac = hexadecimal(&keyring.mac_replica(&told(process, &url, at)));
        Self { url, at, mac }
    }

    /// Whether a process with this keyring told it of itself.
    pub fn is_authentic(&self, process: Uuid, keyring: &Keyring) -> bool {
        let mac = keyring.mac_replica(&told(process, &self.url, self.at));
        from_hexadecimal(&self.mac).is_some_and(|own| is_equal(&own, &mac))
    }
}

fn told(process: Uuid, url: &str, at: Timestamp) -> Transcript {
    Transcript::new("toolvault/replica-address/v1")
        .bytes(process.as_bytes())
        .text(url)
        .number(at.microseconds())
}

/// The head of a request that is forwarded, as its first receiver saw it.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug, Clone, PartialEq, Eq))]
#[cfg_attr(
    not(test),
    expect(
        missing_debug_implementations,
        reason = "it has the caller's credential"
    )
)]
pub struct ForwardedHead {
    /// The process that is to answer.
    pub to: Uuid,
    /// When it was forwarded.
    pub at: Timestamp,
    /// The peer of the connection on which it arrived.
    pub peer: SocketAddr,
    /// The local address of that connection.
    pub local: SocketAddr,
    /// The ID of the request.
    pub request_id: String,
    /// The method.
    pub method: String,
    /// The URI.
    pub uri: String,
    /// The headers. Each byte of a value is one character (ISO 8859-1).
    pub headers: Vec<(String, String)>,
}

/// The keys of one forwarded request.
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct Passage {
    /// Identifies the request.
    pub id: [u8; Self::ID_LENGTH],
    key: NumberedKey,
}

impl Passage {
    const ID_LENGTH: usize = 16;
    /// How much longer a sealed body is, in bytes.
    pub const OVERHEAD: usize = envelope::OVERHEAD;

    /// The keys of a new request.
    pub fn new(keyring: &Keyring, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut id = [0; Self::ID_LENGTH];
        entropy.fill(&mut id)?;
        let key = keyring.forwarding(&id).map_err(|_| EntropyError)?;
        Ok(Self { id, key })
    }

    /// Seals the head.
    pub fn seal_head(
        &self,
        head: &ForwardedHead,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, EntropyError> {
        let text = serde_json::to_vec(head).map_err(|_| EntropyError)?;
        let sealed = envelope::seal(&self.key, Transcript::new(HEAD), &text, entropy)?;
        Ok([self.id.as_slice(), &sealed].concat())
    }

    /// Opens a head, and finds the keys of its request.
    pub fn open_head(sealed: &[u8], keyring: &Keyring) -> Result<(Self, ForwardedHead), OpenError> {
        let (id, sealed) = sealed.split_first_chunk().ok_or(OpenError::Truncated)?;
        let key = keyring.forwarding(id)?;
        let opened = envelope::open(&key, Transcript::new(HEAD), sealed)?;
        let head = serde_json::from_slice(opened.expose()).map_err(|_| OpenError::UnknownFormat)?;
        Ok((Self { id: *id, key }, head))
    }

    /// Seals the body.
    pub fn seal_body(&self, body: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        envelope::seal(&self.key, Transcript::new(BODY), body, entropy)
    }

    /// Opens the body.
    pub fn open_body(&self, sealed: &[u8]) -> Result<Confidential, OpenError> {
        envelope::open(&self.key, Transcript::new(BODY), sealed)
    }

    /// What only a process that can open the request can answer, in hexadecimal.
    pub fn proof(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.key.expose());
        hexadecimal(hmac::sign(&key, Transcript::new(ANSWER).as_slice()).as_ref())
    }

    /// Whether it is that.
    pub fn is_proof(&self, proof: &[u8]) -> bool {
        is_equal(proof, self.proof().as_bytes())
    }
}

// The key is the request's own, so that its parts need no further name.
const HEAD: &str = "toolvault/forwarded-head/v1";
const BODY: &str = "toolvault/forwarded-body/v1";
const ANSWER: &str = "toolvault/forwarded-answer/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::deterministic::Deterministic;
    use crate::keyring::tests::keyring;

    fn head() -> ForwardedHead {
        ForwardedHead {
            to: Uuid::from_u128(1),
            at: Timestamp::from_microseconds(2),
            peer: "192.0.2.1:3".parse().unwrap(),
            local: "[2001:db8::4]:5".parse().unwrap(),
            request_id: "an-id".to_owned(),
            method: "POST".to_owned(),
            uri: "/mcp/issues".to_owned(),
            headers: vec![("x-any".to_owned(), "\u{ff}".to_owned())],
        }
    }

    #[test]
    fn an_address_counts_only_as_its_process_told_it() {
        let (own, other) = (keyring(1), keyring(2));
        let (process, at) = (Uuid::from_u128(1), Timestamp::from_microseconds(5));
        let told = Address::new(process, "http://10.0.0.1".to_owned(), at, &own);
        assert!(told.is_authentic(process, &own));
        assert!(!told.is_authentic(process, &other));
        assert!(!told.is_authentic(Uuid::from_u128(2), &own));
        let mut elsewhere = told.clone();
        elsewhere.url.push('0');
        let mut later = told.clone();
        later.at = at.plus(1);
        let mut without = told.clone();
        without.mac.clear();
        for changed in [elsewhere, later, without] {
            assert!(!changed.is_authentic(process, &own), "{changed:?}");
        }
    }

    #[test]
    fn a_message_counts_for_thirty_seconds_before_and_after() {
        let at = Timestamp::from_microseconds(100 * SECOND);
        for (seconds, expected) in [
            (-31, false),
            (-30, true),
            (0, true),
            (30, true),
            (31, false),
        ] {
            assert_eq!(
                is_fresh(at, at.plus(seconds * SECOND)),
                expected,
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_forwarded_request_is_opened_as_it_was_sealed_and_only_with_its_keyring() {
        let (own, other, entropy) = (keyring(1), keyring(2), Deterministic::new(3));
        let passage = Passage::new(&own, &entropy).unwrap();
        let sealed = passage.seal_head(&head(), &entropy).unwrap();
        let body = passage.seal_body(b"body", &entropy).unwrap();
        assert_eq!(body.len(), 4 + Passage::OVERHEAD);
        let (opened, found) = Passage::open_head(&sealed, &own).unwrap();
        assert_eq!(found, head());
        assert_eq!(opened.open_body(&body).unwrap().expose(), b"body");
        assert!(passage.is_proof(opened.proof().as_bytes()));
        assert!(Passage::open_head(&sealed, &other).is_err());
    }

    #[test]
    fn a_changed_or_swapped_part_is_not_opened() {
        let (keyring, entropy) = (keyring(1), Deterministic::new(3));
        let passage = Passage::new(&keyring, &entropy).unwrap();
        let other = Passage::new(&keyring, &entropy).unwrap();
        let sealed = passage.seal_head(&head(), &entropy).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Passage::open_head(&changed, &keyring).is_err(), "bit {bit}");
        }
        for shorter in 0..sealed.len() {
            assert!(Passage::open_head(&sealed[..shorter], &keyring).is_err());
        }
        let body = passage.seal_body(b"body", &entropy).unwrap();
        assert!(other.open_body(&body).is_err());
        assert!(passage.open_body(&sealed[16..]).is_err());
        assert!(!passage.is_proof(other.proof().as_bytes()));
        assert!(!passage.is_proof(b""));
    }
}
