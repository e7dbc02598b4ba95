//! What is sealed of a connection, and the form in which it is sealed.

use toolvault_core::confidential::{Buffer, Confidential};

use crate::error::Error;

/// A client as which the gateway is known to an authorization server.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it may hold a secret")]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// Its secret, if it has one that is not in the configuration.
    pub secret: Option<Confidential>,
    /// How it authenticates: a `token_endpoint_auth_method` (RFC 7591, section 2).
    pub auth_method: String,
}

/// What is sealed of a connection.
pub(crate) struct Tokens {
    pub(crate) access_token: Confidential,
    pub(crate) refresh_token: Option<Confidential>,
    pub(crate) client: Client,
}

impl Tokens {
    fn parts(&self) -> [Option<&[u8]>; 4] {
        [
            Some(self.access_token.expose()),
            self.refresh_token.as_ref().map(Confidential::expose),
            self.client.secret.as_ref().map(Confidential::expose),
            Some(self.client.auth_method.as_bytes()),
        ]
    }

    pub(super) fn bytes(&self) -> Result<u32, Error> {
        let lengths = self.parts().into_iter().flatten().map(<[u8]>::len);
        u32::try_from(lengths.sum::<usize>()).map_err(Error::internal)
    }

    /// For each part, its presence as one byte; if it is present, its length as four bytes, and itself.
    pub(super) fn encode(&self) -> Confidential {
        encode(&self.parts())
    }

    pub(super) fn decode(bytes: &Confidential, client_id: String) -> Option<Self> {
        let [access, refresh, secret, method] = decode(bytes)?;
        Some(Self {
            access_token: access?,
            refresh_token: refresh,
            client: Client {
                id: client_id,
                secret,
                auth_method: method?.expose_text()?.to_owned(),
            },
        })
    }
}

impl Client {
    pub(crate) fn encode(&self) -> Confidential {
        encode(&[
            Some(self.id.as_bytes()),
            self.secret.as_ref().map(Confidential::expose),
            Some(self.auth_method.as_bytes()),
        ])
    }

    pub(crate) fn decode(bytes: &Confidential) -> Option<Self> {
        let [id, secret, method] = decode(bytes)?;
        Some(Self {
            id: id?.expose_text()?.to_owned(),
            secret,
            auth_method: method?.expose_text()?.to_owned(),
        })
    }
}

fn encode(parts: &[Option<&[u8]>]) -> Confidential {
    let lengths = parts.iter().map(|part| 5 + part.map_or(0, <[u8]>::len));
    let mut bytes = Buffer::with_capacity(lengths.sum());
    for part in parts {
        bytes.extend(&[u8::from(part.is_some())]);
        if let Some(part) = part {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend(&length.to_be_bytes());
            bytes.extend(part);
        }
    }
    Confidential::new(std::mem::take(&mut *bytes.into_inner()))
}

fn decode<const N: usize>(bytes: &Confidential) -> Option<[Option<Confidential>; N]> {
    let mut rest = bytes.expose();
    let mut parts = [const { None }; N];
    for part in &mut parts {
        let (is_present, after) = rest.split_first()?;
        rest = after;
        if *is_present == 1 {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (found, after) = after.split_at_checked(length)?;
            *part = Some(Confidential::new(found.to_vec()));
            rest = after;
        }
    }
    rest.is_empty().then_some(parts)
}
