//! The values of canaries in what callers send: nothing here ever gave them out, so another copy of them leaked.

use std::collections::BTreeSet;
use std::sync::Arc;

use toolvault_core::audit::record::Record;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Value, parse};
use toolvault_core::pattern::ToolName;
use toolvault_core::redaction::Key;

use super::injection::RepeatedValue;
use super::resolve::Call;
use super::resolve::canaries::may_get;
use super::resolve::within::Within;
use crate::cache::UserEntry;
use crate::cache::watch::Watched;
use crate::caller::Caller;
use crate::error::Error;
use crate::search::search;
use crate::vault::Vault;

impl Vault {
    /// The canaries of the caller's user whose current values are in what the caller sends. Nothing is recorded.
    ///
    /// A canary of fewer than 8 characters is not found.
    pub async fn canaries_in(
        &self,
        caller: &Caller,
        sent: Value<'_>,
    ) -> Result<Vec<RepeatedValue>, Error> {
        let entry = self.known_entry(caller).await?;
        let Some(watched) = self.watched(&entry)? else {
            return Ok(Vec::new());
        };
        Ok(search(sent, move |sent| watched.found(sent)).await)
    }

    /// The arguments of a tool for which the caller would get a canary, as
    /// [`hidden_arguments`](Self::hidden_arguments) tells those of other defaults. Nothing is recorded.
    pub async fn canary_defaults(
        &self,
        caller: &Caller,
        tool: &ToolName,
        within: &Within,
    ) -> Result<BTreeSet<String>, Error> {
        let entry = self.known_entry(caller).await?;
        let index = entry.index.read();
        let canaries = index.canaries().iter();
        let defaults = canaries.filter(|canary| may_get(caller, tool, within, canary));
        let arguments =
            defaults.filter_map(|canary| canary.binding.argument.as_deref().map(str::to_owned));
        Ok(arguments.collect())
    }

    /// Each use makes the entry as new as it has to be. For canaries the database need not be read again.
    async fn known_entry(&self, caller: &Caller) -> Result<Arc<UserEntry>, Error> {
        match self.shared.cache.users.get(&caller.user) {
            Some(entry) => Ok(entry),
            None => self.caller_entry(caller).await,
        }
    }

    /// The records of the canaries whose values are in the received arguments.
    pub(super) fn canaries_of_calls(
        &self,
        caller: &Caller,
        entry: &UserEntry,
        calls: &[Call],
    ) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let Some(watched) = self.watched(entry)? else {
            return Ok(records);
        };
        for call in calls {
            let mut json = Wiped::new(Vec::new());
            call.args.write_json(&mut json);
            let found = parse(&json).map(|sent| watched.found(sent));
            let found = found.unwrap_or_default();
            let found = found
                .iter()
                .map(|value| self.repeated(caller, &call.tool, value));
            records.extend(found);
        }
        Ok(records)
    }

    /// The search for the user's canaries, if there are any.
    fn watched(&self, entry: &UserEntry) -> Result<Option<Arc<Watched>>, Error> {
        let index = entry.index.read();
        if index.canaries().is_empty() {
            return Ok(None);
        }
        if let Some(watched) = entry.watch.find(index.generation()) {
            return Ok(Some(watched));
        }
        let mut random = Wiped::new([0; 64]);
        let filled = self.shared.entropy.fill(random.as_mut());
        filled.map_err(Error::internal)?;
        let mut watched = Watched::new(&Key::new(&random));
        let mut left_out = 0_usize;
        for canary in index.canaries() {
            if !watched.has_room() {
                left_out += 1;
                continue;
            }
            // One that does not open is reported where the index is used.
            let opened = canary.open_value(self.installation(), &entry.user.keys);
            if let Ok(value) = opened
                && let Some(text) = value.expose_text()
            {
                let value = RepeatedValue {
                    secret_id: canary.id,
                    secret_name: canary.name.to_string(),
                    version: canary.version,
                    is_canary: true,
                };
                left_out += usize::from(!watched.add(value, text));
            }
        }
        if left_out > 0 && entry.watch.is_news() {
            let user = entry.user.id();
            tracing::warn!(
                %user,
                left_out,
                "a user has too many canaries: the values of some are not searched for"
            );
        }
        let watched = Arc::new(watched);
        entry.watch.keep(index.generation(), &watched);
        Ok(Some(watched))
    }
}
