//! API keys: create, list, rotate and revoke.

use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::api_key::KeyId;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::UserId;
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::{Method, Url};
use toolvault_vault::KeyInfo;

use super::{Api, Body, List};
use crate::failure::Failure;

const ID_HINT: &str =
    "the ID of a key is the 8 letters and digits after tvk_; toolvault key list shows them";

/// A key to create.
#[derive(Serialize)]
pub(crate) struct NewKey<'a> {
    pub(crate) name: &'a str,
    pub(crate) scopes: ScopeSet,
    pub(crate) tools: &'a [String],
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) any_user: bool,
    /// `None` for the caller's own user.
    pub(crate) user_id: Option<UserId>,
}

/// A key that was just created. This is the only time it is shown.
#[derive(Serialize, Deserialize)]
pub(crate) struct IssuedKey {
    #[serde(flatten)]
    pub(crate) info: KeyInfo,
    #[serde(with = "secret_text")]
    pub(crate) key: Wiped<String>,
}

mod secret_text {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use toolvault_core::confidential::Wiped;

    pub(super) fn serialize<S: Serializer>(
        key: &Wiped<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Wiped<String>, D::Error> {
        String::deserialize(deserializer).map(Wiped::new)
    }
}

impl Api<'_> {
    /// Creates a key.
    pub(crate) async fn create_key(&self, new: &NewKey<'_>) -> Result<IssuedKey, Failure> {
        let url = self.url(&["keys"]);
        self.fetch(Method::POST, &url, Body::json(new)).await
    }

    /// The keys of one user or, for a local command, all keys; oldest first.
    pub(crate) async fn list_keys(&self, user: Option<UserId>) -> Result<Vec<KeyInfo>, Failure> {
        let mut url = self.url(&["keys"]);
        if let Some(user) = user {
            url.query_pairs_mut()
                .append_pair("user_id", &user.to_string());
        }
        let list: List<KeyInfo> = self.fetch(Method::GET, &url, Body::Nothing).await?;
        Ok(list.data)
    }

    /// Replaces a key with one that has the same rights. The old one expires after `overlap` seconds.
    pub(crate) async fn rotate_key(&self, id: KeyId, overlap: i64) -> Result<IssuedKey, Failure> {
        let mut url = self.key_url(id);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push("rotate");
        }
        let body = Body::json(&json!({ "overlap_seconds": overlap }));
        let rotated = self.fetch(Method::POST, &url, body).await;
        rotated.map_err(|failure| no_such_key(id, failure))
    }

    /// Revokes a key.
    pub(crate) async fn revoke_key(&self, id: KeyId) -> Result<(), Failure> {
        let url = self.key_url(id);
        let revoked = self.send(Method::DELETE, &url, Body::Nothing).await;
        revoked.map_err(|failure| no_such_key(id, failure))?;
        Ok(())
    }

    /// Revokes the key that this API uses. A key that the server no longer accepts is no failure.
    pub(crate) async fn revoke_itself(&self, key: &str) -> Result<(), Failure> {
        match self.revoke_key(key_id(key)?).await {
            Err(failure) if failure.is_unauthenticated => Ok(()),
            revoked => revoked,
        }
    }

    fn key_url(&self, id: KeyId) -> Url {
        self.url(&["keys", id.as_str()])
    }
}

/// The ID in a text: it alone, or a whole key, of which no message repeats more.
pub(crate) fn key_id(text: &str) -> Result<KeyId, Failure> {
    let id = text.strip_prefix("tvk_").unwrap_or(text);
    let id = id.split('_').next().unwrap_or_default();
    id.parse()
        .map_err(|_| Failure::refused("that is not the ID of a key").hint(ID_HINT))
}

fn no_such_key(id: KeyId, failure: Failure) -> Failure {
    if failure.is_not_found {
        Failure::refused(format!("there is no key '{id}'")).hint(ID_HINT)
    } else {
        failure
    }
}
