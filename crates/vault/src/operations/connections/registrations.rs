//! As which client the gateway is known to authorization servers where it registered itself (RFC 7591). These belong to
//! the installation, not to a user. Each is for one issuer and one redirect URI.

use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::UserId;
use toolvault_core::transcript::Transcript;
use uuid::Uuid;

use crate::connection::Client;
use crate::error::Error;
use crate::store::client_registrations;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

impl Vault {
    /// The client that is registered at this issuer for this redirect URI.
    pub async fn client_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
    ) -> Result<Option<Client>, Error> {
        let sealed = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(client_registrations::find(&mut tx, issuer, redirect_uri).await?)
            })
            .await?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let key = self.shared.keyring.registrations()?;
        let opened = open(&key, bind(issuer, redirect_uri), &sealed)?;
        Ok(Some(Client::decode(&opened).ok_or(Error::Integrity)?))
    }

    /// Keeps a client that was registered, in place of an earlier one.
    pub async fn keep_client_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
        client: &Client,
    ) -> Result<(), Error> {
        let key = self.shared.keyring.registrations()?;
        let bound = bind(issuer, redirect_uri);
        let entropy = self.shared.entropy.as_ref();
        let sealed = seal(&key, bound, client.encode().expose(), entropy)?;
        self.save_registration(issuer, redirect_uri, Some(sealed))
            .await
    }

    /// Forgets a client that its issuer no longer knows.
    pub async fn forget_client_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
    ) -> Result<(), Error> {
        self.save_registration(issuer, redirect_uri, None).await
    }

    async fn save_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
        sealed: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let save = SaveRegistration {
            issuer: issuer.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            sealed,
        };
        self.writer.change(save).await
    }
}

fn bind(issuer: &str, redirect_uri: &str) -> Transcript {
    Transcript::new("toolvault/client-registration/v1")
        .text(issuer)
        .text(redirect_uri)
}

struct SaveRegistration {
    issuer: String,
    redirect_uri: String,
    sealed: Option<Vec<u8>>,
}

impl Change for SaveRegistration {
    type Answer = ();

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let (issuer, redirect_uri) = (&self.issuer, &self.redirect_uri);
        match &self.sealed {
            Some(sealed) => {
                client_registrations::save(work.tx, issuer, redirect_uri, sealed).await?;
            }
            None => client_registrations::delete(work.tx, issuer, redirect_uri).await?,
        }
        work.has_written = true;
        Ok(())
    }
}
