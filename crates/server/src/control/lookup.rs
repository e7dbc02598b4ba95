//! Finding what a command names: users by name or id, keys by id, tool patterns by their text.

use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_vault::{Caller, UserInfo, Vault};
use uuid::Uuid;

use super::answer::LocalError;

/// The longest name, in Unicode code points.
const LONGEST_NAME: usize = 1_024;

/// The caller for what concerns no user in particular.
pub(super) fn administrator(uid: u32) -> Caller {
    acting_for(uid, UserId(Uuid::nil()))
}

/// The caller for what concerns `user`.
pub(super) fn acting_for(uid: u32, user: UserId) -> Caller {
    Caller::local(uid, user, format!("local:{uid}"))
}

/// The one user whose id or name this is.
pub(super) async fn user(vault: &Vault, uid: u32, text: &str) -> Result<UserInfo, LocalError> {
    let caller = administrator(uid);
    if let Ok(id) = Uuid::try_parse(text) {
        let mut users = vault.list_users(&caller, None).await?;
        if let Some(at) = users.iter().position(|user| user.user_id == UserId(id)) {
            return Ok(users.swap_remove(at));
        }
    }
    let mut users = vault.list_users(&caller, Some(text)).await?;
    match (users.pop(), users.as_slice()) {
        (None, _) => Err(LocalError::refused(format!("there is no user '{text}'"))),
        (Some(user), []) => Ok(user),
        (Some(last), others) => {
            let mut ids: Vec<String> = others.iter().map(|user| user.user_id.to_string()).collect();
            ids.push(last.user_id.to_string());
            Err(LocalError::refused(format!(
                "several users are called '{text}'; name one by its id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// The id of a key, which is not necessarily the id of an existing one.
pub(super) fn key_id(text: &str) -> Result<KeyId, LocalError> {
    text.parse().map_err(|_| {
        LocalError::refused("that is not a key id: it is the 8 letters and digits behind 'tvk_'")
    })
}

/// Tool patterns, all of them or the first that is not one.
pub(super) fn patterns(texts: &[String]) -> Result<Vec<ToolPattern>, LocalError> {
    let parse = |text: &String| {
        ToolPattern::parse(text).map_err(|error| {
            LocalError::refused(format!("'{text}' is not a tool pattern: {error}"))
        })
    };
    texts.iter().map(parse).collect()
}

/// Refuses a name that the API would refuse.
pub(super) fn check_name(name: &str) -> Result<(), LocalError> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains('\0') {
        return Err(LocalError::refused(
            "a name has 1 to 1024 characters, none of them NUL",
        ));
    }
    Ok(())
}
