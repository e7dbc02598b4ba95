//! Puts a profile into the file, and the key that opens it into the keyring.

use super::{Profile, Profiles, keyring};
use crate::context::Context;
use crate::failure::Failure;

impl Profiles {
    /// Keeps a profile and uses it from now on. It is sealed if there is a keyring, unless `is_plain`. Returns whether it
    /// is.
    ///
    /// Each has an entry of its own in the keyring, and that of a replaced profile is deleted last: if anything fails, the
    /// file still has the old profile, and the keyring opens it.
    pub(crate) async fn keep(
        &mut self,
        name: &str,
        mut profile: Profile,
        is_plain: bool,
        context: &Context<'_>,
    ) -> Result<bool, Failure> {
        let has_keyring = !cfg!(target_os = "linux") || context.environment.has_session_bus;
        if has_keyring
            && !is_plain
            && let Err(why) = profile.seal(name).await
        {
            context.printer.error_line(&format!(
                "warning: the keyring cannot be used ({why}), so the key is kept in the file, which only you can read"
            ));
        }
        let entry = profile.entry().map(str::to_owned);
        let old = self.all().get(name).and_then(Profile::entry);
        let old = old.map(str::to_owned);
        self.set(name, profile);
        if let Err(failure) = self.save() {
            forget(entry.as_deref(), context).await;
            return Err(failure);
        }
        forget(old.as_deref(), context).await;
        Ok(entry.is_some())
    }

    /// Removes a profile, and what the keyring has for it.
    pub(crate) async fn discard(
        &mut self,
        name: &str,
        context: &Context<'_>,
    ) -> Result<Profile, Failure> {
        let removed = self.remove(name)?;
        self.save()?;
        forget(removed.entry(), context).await;
        Ok(removed)
    }
}

/// Deletes an entry of the keyring. What stays there opens nothing any more.
async fn forget(entry: Option<&str>, context: &Context<'_>) {
    if let Some(entry) = entry
        && let Err(why) = keyring::delete(entry).await
    {
        context.printer.error_line(&format!(
            "warning: an unused entry of the profile stays in the keyring: {why}"
        ));
    }
}
