//! The one function that does local commands, and a short story for each.

use toolvault_core::digest::from_hexadecimal;
use toolvault_core::timestamp::SECOND;
use toolvault_vault::{AuditFilter, IssuedKey, KeyInfo, NewKey, UserChange, UserInfo, Vault};
use zeroize::Zeroizing;

use super::answer::{FaultReport, LocalAnswer, LocalError, StoreReport, VerificationReport};
use super::command::{Checkpoint, KeyRequest, LocalCommand};
use super::lookup::{self, acting_for, administrator};

/// The most records that one command reads.
const MOST_RECORDS: usize = 10_000;
/// The longest overlap of a key and its successor, in seconds: seven days.
const LONGEST_OVERLAP: i64 = 7 * 24 * 3_600;

/// Does `command` for the operating system's user `uid`, who was found to be entitled to it.
pub async fn execute(
    vault: &Vault,
    uid: u32,
    command: LocalCommand,
) -> Result<LocalAnswer, LocalError> {
    match command {
        LocalCommand::CreateUser { name } => {
            lookup::check_name(&name)?;
            let user = vault.create_user(&administrator(uid), &name).await?;
            Ok(LocalAnswer::User(user))
        }
        LocalCommand::ListUsers => list_users(vault, uid).await.map(LocalAnswer::Users),
        LocalCommand::DisableUser { user } => disable_user(vault, uid, &user).await,
        LocalCommand::DeleteUser { user } => {
            let user = lookup::user(vault, uid, &user).await?;
            vault.delete_user(&administrator(uid), user.user_id).await?;
            Ok(LocalAnswer::User(user))
        }
        LocalCommand::CreateKey(request) => create_key(vault, uid, request).await,
        LocalCommand::ListKeys { user } => list_keys(vault, uid, user.as_deref())
            .await
            .map(LocalAnswer::Keys),
        LocalCommand::RevokeKey { key } => {
            let key = lookup::key_id(&key)?;
            let revoked = vault.revoke_key(&administrator(uid), key).await;
            revoked.map_err(no_such_key)?;
            Ok(LocalAnswer::Done)
        }
        LocalCommand::RotateKey {
            key,
            overlap_seconds,
        } => rotate_key(vault, uid, &key, overlap_seconds).await,
        LocalCommand::VerifyAudit {
            public_key,
            checkpoint,
        } => verify_audit(vault, uid, public_key.as_deref(), checkpoint)
            .await
            .map(LocalAnswer::Verified),
        LocalCommand::TailAudit { count } => tail_audit(vault, uid, count).await,
        LocalCommand::Diagnose => diagnose(vault, uid).await,
    }
}

async fn list_users(vault: &Vault, uid: u32) -> Result<Vec<UserInfo>, LocalError> {
    Ok(vault.list_users(&administrator(uid), None).await?)
}

async fn disable_user(vault: &Vault, uid: u32, user: &str) -> Result<LocalAnswer, LocalError> {
    let user = lookup::user(vault, uid, user).await?;
    let change = UserChange {
        disabled: Some(true),
        ..UserChange::default()
    };
    let user = vault
        .update_user(&administrator(uid), user.user_id, change)
        .await?;
    Ok(LocalAnswer::User(user))
}

async fn create_key(
    vault: &Vault,
    uid: u32,
    request: KeyRequest,
) -> Result<LocalAnswer, LocalError> {
    lookup::check_name(&request.name)?;
    if request.scopes.is_empty() {
        return Err(LocalError::refused("a key has at least one scope"));
    }
    let new = NewKey {
        name: request.name,
        scopes: request.scopes,
        tools: lookup::patterns(&request.tools)?,
        expires_at: request.expires_at,
        any_user: request.any_user,
        user: None,
    };
    let user = lookup::user(vault, uid, &request.user).await?;
    let issued = vault
        .create_key(&acting_for(uid, user.user_id), new)
        .await?;
    Ok(issued_key(issued))
}

async fn list_keys(
    vault: &Vault,
    uid: u32,
    user: Option<&str>,
) -> Result<Vec<KeyInfo>, LocalError> {
    let users = match user {
        Some(user) => vec![lookup::user(vault, uid, user).await?],
        None => list_users(vault, uid).await?,
    };
    let mut keys = Vec::new();
    for user in users {
        let caller = acting_for(uid, user.user_id);
        keys.extend(vault.list_keys(&caller, Some(user.user_id)).await?);
    }
    Ok(keys)
}

async fn rotate_key(
    vault: &Vault,
    uid: u32,
    key: &str,
    overlap_seconds: i64,
) -> Result<LocalAnswer, LocalError> {
    let key = lookup::key_id(key)?;
    if !(0..=LONGEST_OVERLAP).contains(&overlap_seconds) {
        return Err(LocalError::refused("an overlap is at most 7 days"));
    }
    let rotated = vault
        .rotate_key(&administrator(uid), key, overlap_seconds * SECOND)
        .await;
    rotated.map(issued_key).map_err(no_such_key)
}

async fn verify_audit(
    vault: &Vault,
    uid: u32,
    public_key: Option<&str>,
    checkpoint: Option<Checkpoint>,
) -> Result<VerificationReport, LocalError> {
    let first_key = public_key
        .map(|text| {
            from_hexadecimal(text)
                .filter(|bytes| bytes.len() == 32)
                .ok_or_else(|| LocalError::refused("a public key is 64 hexadecimal digits"))
        })
        .transpose()?;
    let found = vault
        .verify_audit(first_key.as_deref(), &mut |_| {})
        .await?;
    let mut report = VerificationReport::from(found);
    if let Some(checkpoint) = checkpoint {
        let stored = vault
            .audit_page_hash(&administrator(uid), checkpoint.pages)
            .await?;
        let is_contained = checkpoint.pages <= report.pages
            && stored.is_some_and(|hash| hash.eq_ignore_ascii_case(&checkpoint.head));
        if !is_contained {
            report.ok = false;
            report.faults.push(FaultReport {
                kind: "checkpoint".to_owned(),
                subject: checkpoint.pages.to_string(),
                what: "the trail does not contain the page that the checkpoint names".to_owned(),
            });
        }
    }
    Ok(report)
}

async fn tail_audit(vault: &Vault, uid: u32, count: usize) -> Result<LocalAnswer, LocalError> {
    let filter = AuditFilter {
        since: None,
        until: None,
        action: None,
        secret: None,
        tool: None,
        limit: count.min(MOST_RECORDS),
        cursor: None,
    };
    let mut page = vault.list_audit(&administrator(uid), &filter).await?;
    page.records.reverse();
    Ok(LocalAnswer::Records(page.records))
}

async fn diagnose(vault: &Vault, uid: u32) -> Result<LocalAnswer, LocalError> {
    let found = vault.diagnose(&administrator(uid)).await?;
    Ok(LocalAnswer::Diagnosed(StoreReport {
        engine: found.engine.to_owned(),
        version: found.version,
        unsafe_settings: found.unsafe_settings,
        shared_names: found.shared_names,
        newest_record: found.newest_record,
        users: list_users(vault, uid).await?,
        keys: list_keys(vault, uid, None).await?,
    }))
}

fn issued_key(issued: IssuedKey) -> LocalAnswer {
    LocalAnswer::IssuedKey {
        key: Zeroizing::new(issued.key.expose().to_owned()),
        info: issued.info,
    }
}

fn no_such_key(error: toolvault_vault::Error) -> LocalError {
    match error {
        toolvault_vault::Error::NotFound => LocalError::refused("there is no key with this id"),
        other => other.into(),
    }
}
