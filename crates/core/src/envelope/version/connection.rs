//! The state of a connection: everything that decides to which server its tokens go, and for how long.

use super::{StateHash, VersionIdentity};
use crate::timestamp::Timestamp;
use crate::transcript::Transcript;

/// Everything about a connection that decides what its tokens are used for.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionState<'a> {
    /// The name of the tool server in the configuration.
    pub server: &'a str,
    /// The issuer of the tokens.
    pub issuer: &'a str,
    /// The resource that they are for.
    pub resource: &'a str,
    /// The client that they were issued to.
    pub client_id: &'a str,
    /// What they permit.
    pub scopes: &'a [String],
    /// When the user signed in.
    pub connected_at: Timestamp,
    /// When the tokens were issued.
    pub renewed_at: Timestamp,
    /// When the access token expires.
    pub expires_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub can_refresh: bool,
    /// Whether the issuer no longer accepts the refresh token.
    pub needs_sign_in: bool,
}

impl ConnectionState<'_> {
    /// The hash that the wrap of the data key is bound to.
    pub fn hash(&self, identity: &VersionIdentity) -> StateHash {
        // The struct is destructured, so that a new field cannot be forgotten here.
        let Self {
            server,
            issuer,
            resource,
            client_id,
            scopes,
            connected_at,
            renewed_at,
            expires_at,
            can_refresh,
            needs_sign_in,
        } = *self;
        let expires_at = expires_at.map(|end| end.microseconds().to_string());
        let transcript = Transcript::new("toolvault/connection-state/v1")
            .bytes(identity.secret.as_bytes())
            .number(identity.version)
            .text(server)
            .text(issuer)
            .text(resource)
            .text(client_id)
            .number(connected_at.microseconds())
            .number(renewed_at.microseconds())
            .optional(expires_at.as_deref())
            .number(i64::from(can_refresh))
            .number(i64::from(needs_sign_in))
            .number(i64::try_from(scopes.len()).unwrap_or(i64::MAX));
        let transcript = scopes
            .iter()
            .fold(transcript, |transcript, scope| transcript.text(scope));
        StateHash::of(&transcript)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::identity::{InstallationId, SecretId, UserId};

    fn identity(version: i64) -> VersionIdentity {
        VersionIdentity {
            installation: InstallationId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            secret: SecretId(Uuid::from_u128(3)),
            version,
        }
    }

    #[test]
    fn each_field_is_in_the_hash() {
        let (scopes, other) = (["a b".to_owned()], ["a".to_owned(), "b".to_owned()]);
        let at = Timestamp::from_microseconds;
        let state = ConnectionState {
            server: "linear",
            issuer: "issuer",
            resource: "resource",
            client_id: "client",
            scopes: &scopes,
            connected_at: at(1),
            renewed_at: at(2),
            expires_at: Some(at(3)),
            can_refresh: true,
            needs_sign_in: false,
        };
        let changes: [fn(&mut ConnectionState<'_>); 13] = [
            |state| state.server = "github",
            |state| state.issuer = "other",
            |state| std::mem::swap(&mut state.issuer, &mut state.resource),
            |state| state.resource = "other",
            |state| state.client_id = "other",
            |state| state.scopes = &[],
            |state| state.connected_at = Timestamp::from_microseconds(0),
            |state| std::mem::swap(&mut state.connected_at, &mut state.renewed_at),
            |state| state.renewed_at = Timestamp::from_microseconds(0),
            |state| state.expires_at = None,
            |state| state.expires_at = Some(Timestamp::from_microseconds(4)),
            |state| state.can_refresh = false,
            |state| std::mem::swap(&mut state.can_refresh, &mut state.needs_sign_in),
        ];
        let mut hashes = vec![state.hash(&identity(1)), state.hash(&identity(2))];
        let split = ConnectionState {
            scopes: &other,
            ..state
        };
        hashes.push(split.hash(&identity(1)));
        for change in changes {
            let mut edited = state;
            change(&mut edited);
            hashes.push(edited.hash(&identity(1)));
        }
        let different: std::collections::HashSet<_> =
            hashes.iter().map(StateHash::as_bytes).collect();
        assert_eq!(different.len(), hashes.len());
    }
}
