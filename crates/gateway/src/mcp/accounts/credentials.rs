//! How a client proves who it is: with what its registration gave, or with what the settings name.

use toolvault_core::confidential::Wiped;
use toolvault_vault::Client;

use super::Accounts;
use crate::mcp::server::Server;
use crate::oauth::issuer::Issuer;
use crate::oauth::{ClientAuthentication, Identity, OAuthError, Proof, assertion, read_secret};
use crate::settings::Grant;

/// The method of a client whose proof is in the settings.
pub(crate) const CONFIGURED: &str = "configured";

/// A client with what proves that it is it.
pub(crate) struct Credentials {
    id: String,
    proof: OwnedProof,
}

enum OwnedProof {
    None,
    Secret(ClientAuthentication, Wiped<String>),
    Assertion(Wiped<String>),
}

impl Credentials {
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity {
            id: &self.id,
            proof: match &self.proof {
                OwnedProof::None => Proof::None,
                OwnedProof::Secret(method, secret) => Proof::Secret(*method, secret),
                OwnedProof::Assertion(assertion) => Proof::Assertion(assertion),
            },
        }
    }
}

impl Accounts {
    /// The credentials of a client to which tokens are or were issued.
    pub(crate) fn credentials(
        &self,
        server: &Server,
        issuer: &Issuer,
        client: &Client,
    ) -> Result<Credentials, OAuthError> {
        if client.auth_method == CONFIGURED {
            return self.own_credentials(server, issuer, &client.id);
        }
        let secret = client
            .secret
            .as_ref()
            .and_then(|secret| secret.expose_text());
        let post = ClientAuthentication::Post;
        let method = if client.auth_method == post.name() {
            post
        } else {
            ClientAuthentication::Basic
        };
        Ok(Credentials {
            id: client.id.clone(),
            proof: match secret {
                Some(secret) => OwnedProof::Secret(method, Wiped::new(secret.to_owned())),
                None => OwnedProof::None,
            },
        })
    }

    /// The credentials of the client in the settings. Another client has none there: they would go to someone else.
    pub(super) fn own_credentials(
        &self,
        server: &Server,
        issuer: &Issuer,
        id: &str,
    ) -> Result<Credentials, OAuthError> {
        let settings = server.oauth();
        let proof = match (&settings.client_secret_file, &settings.private_key_file) {
            _ if !server.is_own_client(id) => OwnedProof::None,
            // A server that names its authorization server itself must not get the operator's secret there.
            (Some(_), _) if settings.issuer.as_deref() != Some(&issuer.identifier) => {
                return Err(OAuthError::NotNamed);
            }
            (Some(file), _) => {
                let secret = read_secret(file).map_err(|source| OAuthError::File {
                    key: "client_secret_file",
                    source,
                })?;
                OwnedProof::Secret(issuer.authentication(), secret)
            }
            // The grant's own assertion already proves it.
            (None, Some(_)) if settings.grant == Grant::JwtBearer => OwnedProof::None,
            (None, Some(file)) => {
                let (now, entropy) = (self.clock.now(), self.entropy.as_ref());
                let identifier = &issuer.identifier;
                OwnedProof::Assertion(assertion::sign(file, id, identifier, now, entropy)?)
            }
            (None, None) => OwnedProof::None,
        };
        Ok(Credentials {
            id: id.to_owned(),
            proof,
        })
    }
}
