//! For whom a connection is.

use toolvault_core::identity::UserId;
use toolvault_vault::Caller;

/// A user with the key or token they came with. Nothing is shared between two principals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) user: UserId,
    actor: String,
}

impl Principal {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            user: caller.user(),
            actor: caller.actor().to_string(),
        }
    }

    #[cfg(test)]
    pub(crate) fn test(number: u8) -> Self {
        let user = format!("\"00000000-0000-7000-8000-0000000000{number:02x}\"");
        Self {
            user: serde_json::from_str(&user).unwrap(),
            actor: String::new(),
        }
    }
}
