//! What is kept of the pages that were pruned, as rows: without it, the rest of the trail could not be verified.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toolvault_core::audit::cut::Cut;
use toolvault_core::audit::page::Head;
use toolvault_core::digest::{from_hexadecimal, hexadecimal, sha256};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::keyring::Keyring;
use toolvault_core::transcript::Transcript;

use super::expected::Expected;
use crate::error::Error;
use crate::store::audit::{self, HeadRow};
use crate::store::audit_cut::{self, CutRow};
use crate::store::transaction::Tx;

/// The contents, by object: `user:<id>`, `key:<id>`, `secret:<id>`, `connection:<id>` and `epoch:<number>`.
pub(crate) type Contents = BTreeMap<String, String>;

/// Where the trail begins, and what the pruned pages said.
#[derive(Default)]
pub(crate) struct Kept {
    /// The state in which the pruned pages left each row.
    pub(crate) expected: Expected,
    /// By the number of an epoch that began among the pruned pages, the hash of the page before.
    pub(crate) befores: BTreeMap<i64, [u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct KeptKey {
    owner: Option<UserId>,
    state: String,
}

#[derive(Serialize, Deserialize)]
struct KeptConnection {
    owner: UserId,
    state: String,
}

#[derive(Serialize, Deserialize)]
struct KeptSecret {
    owner: UserId,
    state: String,
    versions: BTreeSet<i64>,
}

impl Kept {
    /// As rows.
    pub(crate) fn contents(&self) -> Result<Contents, Error> {
        let expected = &self.expected;
        let mut contents = Contents::new();
        for (id, state) in &expected.users {
            contents.insert(format!("user:{id}"), state.clone());
        }
        for (id, state) in &expected.keys {
            let kept = KeptKey {
                owner: expected.key_owners.get(id).copied(),
                state: state.clone(),
            };
            contents.insert(format!("key:{id}"), text(&kept)?);
        }
        for (id, state) in &expected.secrets {
            let kept = KeptSecret {
                owner: *expected.owners.get(id).ok_or(Error::Integrity)?,
                state: state.clone(),
                versions: expected.versions.get(id).cloned().unwrap_or_default(),
            };
            contents.insert(format!("secret:{id}"), text(&kept)?);
        }
        for (id, state) in &expected.connections {
            let owner = expected.connection_owners.get(id);
            let kept = KeptConnection {
                owner: *owner.ok_or(Error::Integrity)?,
                state: state.clone(),
            };
            contents.insert(format!("connection:{id}"), text(&kept)?);
        }
        for (epoch, hash) in &self.befores {
            contents.insert(format!("epoch:{epoch}"), hexadecimal(hash));
        }
        Ok(contents)
    }

    /// From rows; `None` if they are not as they were written.
    fn read(contents: Contents) -> Option<Self> {
        let mut kept = Self::default();
        let expected = &mut kept.expected;
        for (object, content) in contents {
            match object.split_once(':')? {
                ("user", id) => {
                    expected.users.insert(id.to_owned(), content);
                }
                ("key", id) => {
                    let key: KeptKey = serde_json::from_str(&content).ok()?;
                    let owner = key.owner.map(|owner| (id.to_owned(), owner));
                    expected.key_owners.extend(owner);
                    expected.keys.insert(id.to_owned(), key.state);
                }
                ("secret", id) => {
                    let id = SecretId(id.parse().ok()?);
                    let secret: KeptSecret = serde_json::from_str(&content).ok()?;
                    expected.owners.insert(id, secret.owner);
                    expected.versions.insert(id, secret.versions);
                    expected.secrets.insert(id, secret.state);
                }
                ("connection", id) => {
                    let connection: KeptConnection = serde_json::from_str(&content).ok()?;
                    let owners = &mut expected.connection_owners;
                    owners.insert(id.to_owned(), connection.owner);
                    expected.connections.insert(id.to_owned(), connection.state);
                }
                ("epoch", number) => {
                    let hash = from_hexadecimal(&content)?.try_into().ok()?;
                    kept.befores.insert(number.parse().ok()?, hash);
                }
                _ => return None,
            }
        }
        Some(kept)
    }
}

/// The cut after the pages up to `head`.
pub(crate) fn cut(head: Head, contents: &Contents) -> Cut {
    let lengths = Transcript::new("audit_kept/v1");
    let transcript = contents
        .iter()
        .fold(lengths, |transcript, (object, content)| {
            transcript.text(object).text(content)
        });
    Cut {
        head,
        kept: sha256(transcript.as_slice()),
    }
}

/// The row of a cut.
pub(crate) fn row(cut: &Cut, keyring: &Keyring) -> CutRow {
    CutRow {
        page: cut.head.page,
        sequence: cut.head.sequence,
        hash: cut.head.hash.to_vec(),
        kept: cut.kept.to_vec(),
        mac: keyring.mac_row(&cut.transcript()).to_vec(),
    }
}

/// The hash of the cut that the trail records.
pub(crate) fn state_text(cut: &Cut) -> String {
    hexadecimal(&sha256(cut.transcript().as_slice()))
}

/// The position at which the trail begins, if its row is as it was stored. A cut that is put back to an earlier one
/// passes; only the trail's records show that.
pub(crate) async fn find_cut(tx: &mut Tx, keyring: &Keyring) -> Result<Option<Cut>, Error> {
    let Some(row) = audit_cut::find(tx).await? else {
        return Ok(None);
    };
    let cut = Cut {
        head: row.head().ok_or(Error::Integrity)?,
        kept: row
            .kept
            .as_slice()
            .try_into()
            .map_err(|_| Error::Integrity)?,
    };
    if !keyring.is_row_authentic(&cut.transcript(), &row.mac) {
        return Err(Error::Integrity);
    }
    Ok(Some(cut))
}

/// The head of the trail, and the cut. A prune leaves the newest page, so a trail that ends at its cut or before it was
/// put back.
pub(crate) async fn find_ends(
    tx: &mut Tx,
    keyring: &Keyring,
) -> Result<(HeadRow, Option<Cut>), Error> {
    let head = audit::find_head(tx).await?.ok_or(Error::Integrity)?;
    let cut = find_cut(tx, keyring).await?;
    if cut.as_ref().is_some_and(|cut| head.page <= cut.head.page) {
        return Err(Error::Integrity);
    }
    Ok((head, cut))
}

/// The cut with what is kept of the pages before it.
pub(crate) async fn load(tx: &mut Tx, keyring: &Keyring) -> Result<(Option<Cut>, Kept), Error> {
    let found = find_cut(tx, keyring).await?;
    let contents = audit_cut::list_kept(tx).await?;
    let is_right = match &found {
        Some(found) => cut(found.head.clone(), &contents) == *found,
        None => contents.is_empty(),
    };
    let kept = Kept::read(contents).filter(|_| is_right);
    Ok((found, kept.ok_or(Error::Integrity)?))
}

fn text(content: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(content).map_err(Error::internal)
}
