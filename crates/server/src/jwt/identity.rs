//! Maps a subject of an issuer to a user: always the same one, and never another issuer's.

use toolvault_core::identity::UserId;
use uuid::{Uuid, uuid};

/// The UUID namespace of users by (iss, sub). It must never change: users would lose what they stored.
const NAMESPACE: Uuid = uuid!("a8746992-7cd2-4389-8f28-c783d7f9385d");

/// The user for `subject` of `issuer`: a `UUIDv5` (RFC 9562, section 5.5).
///
/// The name in the namespace is each of the two texts as its length in bytes (64 bits, big-endian) and its UTF-8, so
/// that ("ab", "c") and ("a", "bc") are different users.
pub(super) fn user_of(issuer: &str, subject: &str) -> UserId {
    let mut name = Vec::with_capacity(16 + issuer.len() + subject.len());
    for text in [issuer, subject] {
        name.extend_from_slice(&(text.len() as u64).to_be_bytes());
        name.extend_from_slice(text.as_bytes());
    }
    UserId(Uuid::new_v5(&NAMESPACE, &name))
}

/// The user whose ID is `subject`: a UUID with its four hyphens that is not the nil UUID.
pub(super) fn user_in_subject(subject: &str) -> Option<UserId> {
    if subject.len() != uuid::fmt::Hyphenated::LENGTH {
        return None;
    }
    match Uuid::try_parse(subject) {
        Ok(id) if !id.is_nil() => Some(UserId(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_the_uuid_that_another_implementation_computes() {
        // Python: uuid.UUID(bytes=sha1(namespace + name)[:16], version=5)
        let user = user_of("https://issuer.example", "alice");
        assert_eq!(user.to_string(), "167b40f0-746a-556f-8021-eeec1fbcd8a9");
    }

    #[test]
    fn moving_a_letter_between_issuer_and_subject_gives_another_user() {
        assert_ne!(user_of("ab", "c"), user_of("a", "bc"));
        assert_ne!(user_of("", "abc"), user_of("abc", ""));
    }

    #[test]
    fn only_a_hyphenated_uuid_is_a_subject_that_is_a_user() {
        let id = "0190d3e4-0000-7000-8000-000000000001";
        assert_eq!(user_in_subject(id).unwrap().to_string(), id);
        assert_eq!(user_in_subject(&id.to_uppercase()), user_in_subject(id));
        for subject in [
            "",
            "alice",
            "00000000-0000-0000-0000-000000000000",
            "0190d3e400007000800000000000000100",
            "0190d3e4000070008000000000000001",
            "{0190d3e4-0000-7000-8000-000000000001}",
            "urn:uuid:0190d3e4-0000-7000-8000-000000000001",
            "0190d3e4-0000-7000-8000-00000000000g",
            " 190d3e4-0000-7000-8000-000000000001",
        ] {
            assert!(user_in_subject(subject).is_none(), "{subject}");
        }
    }
}
