//! Verifies the trail against evidence kept elsewhere: its first public key, and an earlier verification.

use serde::{Deserialize, Serialize};
use toolvault_core::digest::from_hexadecimal;
use toolvault_core::scope::Scope;

use super::Verification;
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::Vault;

/// The length of a public key (Ed25519), in bytes.
const PUBLIC_KEY_BYTES: usize = 32;

/// The evidence to verify the trail against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The first public key in hexadecimal, as shown at set-up.
    pub public_key: Option<String>,
    /// The result of an earlier verification.
    pub checkpoint: Option<Checkpoint>,
}

/// The result of an earlier verification, kept where a writer of the store cannot change it.
///
/// The output of `toolvault audit verify --json` has this form, and so does a signed checkpoint of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many pages there were.
    #[serde(alias = "page")]
    pub pages: i64,
    /// The hash of the last page, in hexadecimal.
    #[serde(alias = "hash")]
    pub head: String,
}

impl Vault {
    /// Verifies the whole trail, every row against it, and that it still contains what the evidence names. Needs
    /// `admin`.
    pub async fn prove_audit(
        &self,
        caller: &Caller,
        evidence: &Evidence,
    ) -> Result<Verification, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let first_key = evidence.public_key.as_deref().map(read_public_key);
        let first_key = first_key.transpose()?;
        let mut found = self.verify_audit(first_key.as_deref()).await?;
        if let Some(checkpoint) = &evidence.checkpoint {
            let stored = self.audit_page_hash(caller, checkpoint.pages).await?;
            let is_contained = checkpoint.pages <= found.pages
                && stored.is_some_and(|hash| hash.eq_ignore_ascii_case(&checkpoint.head));
            if !is_contained {
                let what = "the trail does not contain the page that the checkpoint names";
                found.fault("checkpoint", checkpoint.pages.to_string(), what);
                found.ok = false;
            }
        }
        Ok(found)
    }
}

fn read_public_key(text: &str) -> Result<Vec<u8>, Error> {
    from_hexadecimal(text)
        .filter(|bytes| bytes.len() == PUBLIC_KEY_BYTES)
        .ok_or_else(|| {
            let message = "A public key is 64 hexadecimal digits.";
            Error::invalid("public_key_invalid", &["body", "public_key"], message)
        })
}
