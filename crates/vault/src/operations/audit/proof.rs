//! Evidence kept elsewhere, against which the trail is verified: its first public key, and checkpoints.

use serde::{Deserialize, Serialize};
use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::audit::cut::Cut;
use toolvault_core::audit::page::Page;
use toolvault_core::digest::from_hexadecimal;
use toolvault_core::scope::Scope;

use super::Verification;
use super::verify::kept::find_ends;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::audit;
use crate::store::transaction::Tx;
use crate::vault::Vault;

/// The length of a public key (Ed25519), in bytes.
const PUBLIC_KEY_BYTES: usize = 32;

/// The evidence to verify the trail against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The first public key in hexadecimal, as shown at set-up.
    pub public_key: Option<String>,
    /// Heads of the trail at earlier times.
    pub checkpoints: Vec<Checkpoint>,
}

impl Vault {
    /// Verifies the whole trail, every row against it, and that it still contains what the evidence names. Needs
    /// `admin`.
    pub async fn prove_audit(
        &self,
        caller: &Caller,
        evidence: Evidence,
    ) -> Result<Verification, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let first_key = evidence.public_key.as_deref().map(read_public_key);
        let first_key = first_key.transpose()?;
        self.verify_audit_against(first_key.as_deref(), evidence.checkpoints)
            .await
    }

    /// The head of the trail, to keep where a writer of the store cannot change it. Needs `admin`.
    ///
    /// If the trail does not contain the page of the `previous` checkpoint, there is none: the trail was put back to an
    /// earlier state.
    pub async fn checkpoint(
        &self,
        caller: &Caller,
        previous: Option<&Checkpoint>,
    ) -> Result<Option<Checkpoint>, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        self.fold().await;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let (head, cut) = find_ends(&mut tx, &self.shared.keyring).await?;
            if let Some(previous) = previous {
                let is_kept = match find_page(&mut tx, previous.page).await? {
                    Some(page) => previous.is_met_by(&page),
                    None => was_pruned(&mut tx, cut.as_ref(), previous).await?,
                };
                if !is_kept || previous.installation != self.installation() {
                    return Ok(None);
                }
            }
            let page = find_page(&mut tx, head.page).await?;
            let page = page.ok_or(Error::Integrity)?;
            let signer = audit::find_epoch(&mut tx, page.epoch).await?;
            let now = self.shared.clock.now();
            let checkpoint = Checkpoint::new(self.installation(), &page, now);
            match signer {
                Some(signer) if checkpoint.is_signed_by(&signer.public_key) => Ok(Some(checkpoint)),
                _ => Err(Error::Integrity),
            }
        };
        let read = self.in_time(reading).await;
        self.note_refusal(caller, read).await
    }
}

/// Whether the page of a checkpoint was pruned.
async fn was_pruned(
    tx: &mut Tx,
    cut: Option<&Cut>,
    checkpoint: &Checkpoint,
) -> Result<bool, Error> {
    let is_before = cut.is_some_and(|cut| {
        checkpoint.page < cut.head.page
            || (checkpoint.page == cut.head.page && checkpoint.hash == cut.head.hash)
    });
    let signer = audit::find_epoch(tx, checkpoint.epoch).await?;
    let is_signed = signer.is_some_and(|signer| checkpoint.is_signed_by(&signer.public_key));
    Ok(is_before && is_signed)
}

async fn find_page(tx: &mut Tx, number: i64) -> Result<Option<Page>, Error> {
    let pages = audit::pages_after(tx, number.saturating_sub(1), 1).await?;
    let mut pages = pages.into_iter().map(|(page, _)| page);
    Ok(pages.find(|page| page.number == number))
}

fn read_public_key(text: &str) -> Result<Vec<u8>, Error> {
    from_hexadecimal(text)
        .filter(|bytes| bytes.len() == PUBLIC_KEY_BYTES)
        .ok_or_else(|| {
            let message = "A public key is 64 hexadecimal digits.";
            Error::invalid("public_key_invalid", &["body", "public_key"], message)
        })
}
