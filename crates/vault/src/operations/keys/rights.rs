//! The rights that a new key may have, and its row.

use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::NewKey;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::key::KeyRights;

/// The end of the year 9998, in microseconds since 1970.
const LATEST_END: i64 = 253_370_764_800 * SECOND - 1;

/// The rights of the new key, if the caller may grant them.
pub(super) fn grant(caller: &Caller, new: NewKey) -> Result<KeyRights, Error> {
    require_unlimited(caller)?;
    require_some(new.scopes)?;
    if let Some(end) = new.expires_at {
        require_writable(end)?;
    }
    let user = new.user.unwrap_or(caller.user);
    let is_for_other = user != caller.user && !caller.is_any_user;
    caller.require(if is_for_other {
        Scope::Admin
    } else {
        Scope::Manage
    })?;
    let values = new.scopes.contains(Scope::Use) || new.scopes.contains(Scope::Resolve);
    if is_for_other && values {
        return Err(exceeds(
            "an administrator cannot create a key with 'use' or 'resolve'",
        ));
    }
    if !caller.is_local && !new.scopes.is_subset_of(caller.scopes) {
        return Err(exceeds("scopes"));
    }
    if new.any_user && !caller.is_any_user {
        return Err(exceeds("any_user"));
    }
    if new.any_user && new.scopes.contains(Scope::Admin) {
        return Err(exceeds("a key with 'any_user' cannot have 'admin'"));
    }
    // A token expires because its sign-in does, which says nothing about the keys created with it.
    let limit = caller.key.and(caller.expires_at);
    let expires_at = new.expires_at.or(limit);
    if expires_at > limit && limit.is_some() {
        return Err(exceeds("it would expire later"));
    }
    if new.any_user && expires_at.is_none() {
        let message = "A key with 'any_user' needs an expiry.";
        return Err(Error::invalid("missing", &["body", "expires_at"], message));
    }
    Ok(KeyRights {
        name: new.name,
        user,
        scopes: new.scopes,
        tools: new.tools,
        is_any_user: new.any_user,
        creator: caller.key,
        expires_at,
    })
}

pub(super) fn require_unlimited(caller: &Caller) -> Result<(), Error> {
    if caller.is_limited() {
        Err(Denial::LimitedKeyManagesKeys.into())
    } else {
        Ok(())
    }
}

pub(super) fn require_some(scopes: ScopeSet) -> Result<(), Error> {
    if scopes.is_empty() {
        let message = "A key needs at least one scope.";
        return Err(Error::invalid("too_short", &["body", "scopes"], message));
    }
    Ok(())
}

/// Refuses an expiry that RFC 3339 cannot write: it would be displayed wrongly for ever.
pub(super) fn require_writable(end: Timestamp) -> Result<(), Error> {
    if end.microseconds() > LATEST_END {
        let message = "A key must expire before the year 9999.";
        let location = ["body", "expires_at"];
        return Err(Error::invalid("expiry_too_late", &location, message));
    }
    Ok(())
}

pub(super) fn unknown_user() -> Error {
    Error::invalid("unknown_user", &["body", "user_id"], "No such user.")
}

pub(super) fn exceeds(what: &'static str) -> Error {
    Denial::ExceedsCreator(what).into()
}
