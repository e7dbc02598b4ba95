//! What a browser holds: a session, the link that begins one, and what a person approved in it.
//!
//! Both are sealed under a key of the installation, so every server on its database opens them, and nothing is stored
//! for them.

mod connection;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::connection::{ConnectionFlow, ConnectionRequest};
use crate::api_key::KeyId;
use crate::confidential::Wiped;
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{self, OpenError};
use crate::identity::{SignInId, UserId};
use crate::keyring::Keyring;
use crate::scope::ScopeSet;
use crate::timestamp::Timestamp;
use crate::transcript::Transcript;

/// Whose rights a session has. The rights themselves are read for each request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// The holder of an API key.
    Key(KeyId),
    /// A user of the machine, who signed in with a link from the command line, and acts for a user.
    Local {
        /// The user of the machine.
        uid: u32,
        /// The user for whom they act.
        user: UserId,
    },
    /// A person who signed in at an issuer.
    Issuer {
        /// The issuer, `iss`.
        issuer: String,
        /// The subject, `sub`.
        subject: String,
        /// The user that the subject maps to.
        user: UserId,
    },
}

/// A session of a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Identifies it.
    pub id: SignInId,
    /// Whose rights it has.
    pub holder: Holder,
    /// The generation of its user's sessions in which it began.
    #[serde(default)]
    pub generation: i64,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, nearly.
    pub seen_at: Timestamp,
}

/// A link that begins a session, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Identifies it.
    pub id: SignInId,
    /// The user of the machine who asked for it.
    pub uid: u32,
    /// The user for whom they act.
    pub user: UserId,
    /// The generation of the session.
    #[serde(default)]
    pub generation: i64,
    /// When it expires.
    pub until: Timestamp,
}

/// A sign-in at an issuer, while the person is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_debug_implementations,
    reason = "its verifier is confidential until the sign-in ends"
)]
pub struct Flow {
    /// Identifies it.
    pub id: SignInId,
    /// The name of the issuer in the configuration.
    pub issuer: String,
    /// Where the issuer sends the browser.
    pub redirect_url: String,
    /// What the issuer's answer must repeat (RFC 6749, section 10.12).
    pub state: String,
    /// What its token must repeat (`OpenID` Connect Core, section 3.1.2.1).
    pub nonce: String,
    /// What proves that the code is exchanged by whoever asked for it (RFC 7636).
    pub verifier: String,
    /// When it expires.
    pub until: Timestamp,
}

/// What a person approved in a session: a key for whoever has the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Identifies it.
    pub id: SignInId,
    /// The session in which it was approved.
    pub session: Session,
    /// SHA-256 of the verifier, in hexadecimal.
    pub challenge: String,
    /// The name of the key.
    pub name: String,
    /// What the key may do.
    pub scopes: ScopeSet,
    /// When the key expires.
    pub expires_at: Timestamp,
    /// When the approval expires.
    pub until: Timestamp,
}

/// What can be sealed for a browser. Each kind is bound to its label, so that none passes for another.
pub trait Held: Serialize + DeserializeOwned {
    /// The label.
    const LABEL: &'static str;
}

impl Held for Session {
    const LABEL: &'static str = "toolvault/session/v1";
}

impl Held for Flow {
    const LABEL: &'static str = "toolvault/sign-in-flow/v1";
}

impl Held for ConnectionFlow {
    const LABEL: &'static str = "toolvault/connection-flow/v1";
}

impl Held for Approval {
    const LABEL: &'static str = "toolvault/approval/v1";
}

impl Held for Link {
    const LABEL: &'static str = "toolvault/sign-in-link/v1";
}

/// Seals it.
pub fn seal<T: Held>(
    held: &T,
    keyring: &Keyring,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, EntropyError> {
    let key = keyring.sign_in().map_err(|_| EntropyError)?;
    let text = Wiped::new(serde_json::to_vec(held).map_err(|_| EntropyError)?);
    envelope::seal(&key, Transcript::new(T::LABEL), &text, entropy)
}

/// Opens what [`seal`] made.
pub fn open<T: Held>(sealed: &[u8], keyring: &Keyring) -> Result<T, OpenError> {
    let opened = envelope::open(&keyring.sign_in()?, Transcript::new(T::LABEL), sealed)?;
    serde_json::from_slice(opened.expose()).map_err(|_| OpenError::UnknownFormat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::deterministic::Deterministic;
    use crate::keyring::tests::keyring;

    fn session(holder: Holder) -> Session {
        let entropy = Deterministic::new(5);
        Session {
            id: SignInId::generate(&entropy, Timestamp::default()).unwrap(),
            holder,
            generation: 3,
            began_at: Timestamp::from_microseconds(1),
            seen_at: Timestamp::from_microseconds(2),
        }
    }

    #[test]
    fn a_session_is_opened_as_it_was_sealed_and_only_in_its_installation() {
        let (own, other) = (keyring(1), keyring(2));
        let entropy = Deterministic::new(3);
        let user = UserId::generate(&entropy, Timestamp::default()).unwrap();
        let key = Holder::Key("a1B2c3D4".parse().unwrap());
        let person = Holder::Issuer {
            issuer: "https://issuer.example".to_owned(),
            subject: "alice".to_owned(),
            user,
        };
        for holder in [key, Holder::Local { uid: 1_000, user }, person] {
            let session = session(holder);
            let sealed = seal(&session, &own, &entropy).unwrap();
            assert_eq!(open(&sealed, &own), Ok(session));
            assert_eq!(open::<Session>(&sealed, &other), Err(OpenError::Forged));
        }
    }

    #[test]
    fn a_changed_session_is_not_opened_and_a_link_is_no_session() {
        let (keyring, entropy) = (keyring(1), Deterministic::new(3));
        let held = session(Holder::Key("a1B2c3D4".parse().unwrap()));
        let sealed = seal(&held, &keyring, &entropy).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open::<Session>(&changed, &keyring).is_err(), "bit {bit}");
        }
        for shorter in 0..sealed.len() {
            assert!(open::<Session>(&sealed[..shorter], &keyring).is_err());
        }
        let link = Link {
            id: held.id,
            uid: 0,
            user: UserId(held.id.0),
            generation: 3,
            until: Timestamp::default(),
        };
        let sealed = seal(&link, &keyring, &entropy).unwrap();
        assert_eq!(open(&sealed, &keyring), Ok(link));
        assert_eq!(open::<Session>(&sealed, &keyring), Err(OpenError::Forged));
    }

    #[test]
    fn a_flow_is_no_session() {
        let (keyring, entropy) = (keyring(1), Deterministic::new(3));
        let flow = Flow {
            id: SignInId::generate(&entropy, Timestamp::default()).unwrap(),
            issuer: "main".to_owned(),
            redirect_url: "https://vault.example/sign-in/main".to_owned(),
            state: "state".to_owned(),
            nonce: "nonce".to_owned(),
            verifier: "verifier".to_owned(),
            until: Timestamp::default(),
        };
        let sealed = seal(&flow, &keyring, &entropy).unwrap();
        assert!(open::<Flow>(&sealed, &keyring).is_ok_and(|opened| opened == flow));
        assert_eq!(open::<Session>(&sealed, &keyring), Err(OpenError::Forged));
        assert_eq!(open::<Link>(&sealed, &keyring), Err(OpenError::Forged));
    }

    #[test]
    fn a_connection_flow_is_no_flow_of_a_session() {
        let (keyring, entropy) = (keyring(1), Deterministic::new(3));
        let id = SignInId::generate(&entropy, Timestamp::default()).unwrap();
        let flow = ConnectionFlow {
            id,
            user: UserId(id.0),
            until: Timestamp::default(),
            request: ConnectionRequest {
                server: "linear".to_owned(),
                issuer: "https://auth.example".to_owned(),
                requires_iss: true,
                resource: "https://mcp.example/mcp".to_owned(),
                client_id: "client".to_owned(),
                client_secret: Some("secret".to_owned()),
                auth_method: "client_secret_basic".to_owned(),
                verifier: "verifier".to_owned(),
                state: "state".to_owned(),
                redirect_uri: "https://vault.example/oauth/callback".to_owned(),
                scopes: vec!["read".to_owned()],
            },
        };
        let sealed = seal(&flow, &keyring, &entropy).unwrap();
        assert!(open::<ConnectionFlow>(&sealed, &keyring).is_ok_and(|opened| opened == flow));
        assert_eq!(
            open::<Flow>(&sealed, &keyring).err(),
            Some(OpenError::Forged)
        );
        assert_eq!(open::<Session>(&sealed, &keyring), Err(OpenError::Forged));
    }

    #[test]
    fn an_approval_is_no_session() {
        let (keyring, entropy) = (keyring(1), Deterministic::new(3));
        let session = session(Holder::Key("a1B2c3D4".parse().unwrap()));
        let approval = Approval {
            id: session.id,
            session,
            challenge: "0".repeat(64),
            name: "laptop".to_owned(),
            scopes: ScopeSet::default(),
            expires_at: Timestamp::default(),
            until: Timestamp::default(),
        };
        let sealed = seal(&approval, &keyring, &entropy).unwrap();
        assert_eq!(open(&sealed, &keyring), Ok(approval));
        assert_eq!(open::<Session>(&sealed, &keyring), Err(OpenError::Forged));
    }

    #[test]
    fn each_session_of_each_installation_has_its_own_token() {
        let entropy = Deterministic::new(3);
        let mut tokens = std::collections::HashSet::new();
        for keyring in [keyring(1), keyring(2)] {
            for _ in 0..2 {
                let id = SignInId::generate(&entropy, Timestamp::default()).unwrap();
                let token = keyring.session_token(id).unwrap();
                assert_eq!(keyring.session_token(id).unwrap(), token);
                tokens.insert(token);
            }
        }
        assert_eq!(tokens.len(), 4);
    }
}
