//! Checks that the server will find its root key when it starts again.

use super::findings::Findings;
use crate::api::Api;
use crate::config::{Configuration, RootKey};
use crate::failure::with_causes;

/// A server that has the store open needs no root key, until its next start.
pub(super) async fn check(configuration: &Configuration, api: &Api<'_>, findings: &mut Findings) {
    const FIX: &str = "after a rotation, give the server the new file: name it in root_key.file or --root-key-file, or move it to where the old one is";
    // A passphrase is stretched with a salt that only the store has.
    if matches!(configuration.root_key, RootKey::PassphraseFile(_)) {
        return findings.good("store", "the server has the store open");
    }
    let key = match configuration.root_key.source() {
        Ok(source) => source.load(&[]).await,
        Err(failure) => return findings.bad("store", &failure.to_string(), FIX),
    };
    let key = match key {
        Ok(key) => key,
        Err(error) => {
            let why = format!(
                "the server has the store open, but its next start would fail: {}",
                with_causes(&error)
            );
            return findings.bad("store", &why, FIX);
        }
    };
    match api.opens_with(&key).await {
        Ok(Some(true)) => findings.good("store", "it opens with this root key"),
        Ok(None) => findings.good("store", "the server has the store open"),
        Ok(Some(false)) => findings.bad(
            "store",
            "the server has the store open, but its next start would fail: the root key in the configuration is not the store's",
            FIX,
        ),
        Err(failure) => findings.bad("store", &failure.to_string(), "run: toolvault audit verify"),
    }
}
