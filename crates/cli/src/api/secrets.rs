//! Secrets: find, store and change them, with values of any length.

use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy as _;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::{Method, Url};
use toolvault_vault::{SecretInfo, SystemEntropy};

use super::{Api, Body, List, only_one};
use crate::failure::{Failure, with_causes};

/// The page size of the list.
const PORTION: usize = 1_000;
/// The longest value in the original operations, in characters (contract, section 2).
const LONGEST_INLINE_VALUE: usize = 1_024;

impl Api<'_> {
    /// The URL of one secret.
    pub(crate) fn secret_url(&self, secret: &SecretInfo) -> Url {
        self.url(&["secrets", &secret.secret_id.to_string()])
    }

    /// The secrets that the filter keeps, oldest first.
    pub(crate) async fn list_secrets(
        &self,
        filter: Filter<'_>,
    ) -> Result<Vec<SecretInfo>, Failure> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<SecretInfo>,
            total: usize,
        }
        let mut secrets = Vec::new();
        loop {
            let mut url = self.url(&["secrets", ""]);
            url.query_pairs_mut()
                .append_pair("limit", &PORTION.to_string())
                .append_pair("offset", &secrets.len().to_string())
                .extend_pairs(filter.name.map(|name| ("secret_name", name)))
                .extend_pairs(filter.tool.map(|tool| ("tool_name", tool)));
            let list: Page = self.fetch(Method::GET, &url, Body::Nothing).await?;
            let is_last = list.data.len() < PORTION;
            secrets.extend(list.data);
            if is_last || secrets.len() >= list.total {
                return Ok(secrets);
            }
        }
    }

    /// The only secret with this ID or name.
    pub(crate) async fn find_secret(&self, text: &str) -> Result<SecretInfo, Failure> {
        if uuid::Uuid::try_parse(text).is_ok() {
            let url = self.url(&["secrets", text]);
            match self.fetch(Method::GET, &url, Body::Nothing).await {
                // The text may still be the name of a secret.
                Err(failure) if failure.is_not_found => {}
                found => return found,
            }
        }
        let named = self.list_secrets(Filter::named(text)).await?;
        only_one(named, "secret", text, |secret| secret.secret_id.to_string())
    }

    /// The versions of a secret that are kept, newest first.
    pub(crate) async fn versions(&self, secret: &SecretInfo) -> Result<Vec<Version>, Failure> {
        let url = self.url(&["secrets", &secret.secret_id.to_string(), "versions"]);
        let list: List<Version> = self.fetch(Method::GET, &url, Body::Nothing).await?;
        Ok(list.data)
    }

    /// Makes an older value the newest version.
    pub(crate) async fn restore_version(
        &self,
        secret: &SecretInfo,
        version: i64,
    ) -> Result<SecretInfo, Failure> {
        let (id, version) = (secret.secret_id.to_string(), version.to_string());
        let url = self.url(&["secrets", &id, "versions", &version, "restore"]);
        self.fetch(Method::POST, &url, Body::Nothing).await
    }

    /// Changes a secret, including a value of any length.
    pub(crate) async fn change_secret<'c>(
        &self,
        mut secret: SecretInfo,
        mut change: Change<'c>,
        value: Option<&'c str>,
    ) -> Result<SecretInfo, Failure> {
        match value {
            // The value first: a broader binding must not apply to the old value.
            Some(value) if is_long(value) => secret = put_value(self, &secret, value).await?,
            value => change.secret_value = value,
        }
        if !change.is_empty() {
            secret = patch(self, &secret, &change).await?;
        }
        Ok(secret)
    }
}

/// Which secrets to list.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filter<'a> {
    /// Those of this name.
    pub(crate) name: Option<&'a str>,
    /// Those whose pattern matches this tool.
    pub(crate) tool: Option<&'a str>,
}

impl<'a> Filter<'a> {
    pub(crate) fn named(name: &'a str) -> Self {
        Self {
            name: Some(name),
            tool: None,
        }
    }
}

/// A version of a value, without the value.
#[derive(Serialize, Deserialize)]
pub(crate) struct Version {
    #[serde(rename = "version")]
    pub(crate) number: i64,
    pub(crate) created_at: Timestamp,
    /// Who stored it.
    pub(crate) created_by: String,
    /// `current` or `superseded`.
    pub(crate) state: String,
}

/// The changes of a secret. Absent fields stay unchanged.
#[derive(Default, Serialize)]
pub(crate) struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_arg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_default_for_tool: Option<bool>,
}

impl Change<'_> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.secret_name.is_none()
            && self.secret_value.is_none()
            && self.tool_name.is_none()
            && self.tool_arg.is_none()
            && self.is_default_for_tool.is_none()
    }
}

#[derive(Serialize)]
struct NewSecret<'a> {
    secret_name: &'a str,
    secret_value: &'a str,
    tool_name: Option<&'a str>,
    tool_arg: Option<&'a str>,
    is_default_for_tool: bool,
}

/// A secret to store, without its value.
pub(crate) struct New<'a> {
    pub(crate) name: &'a str,
    pub(crate) tool: Option<&'a str>,
    pub(crate) argument: Option<&'a str>,
    pub(crate) is_default: bool,
}

fn is_long(value: &str) -> bool {
    value.chars().count() > LONGEST_INLINE_VALUE
}

/// Replaces the value of a secret; it may have any length.
async fn put_value(api: &Api<'_>, secret: &SecretInfo, value: &str) -> Result<SecretInfo, Failure> {
    let mut url = api.secret_url(secret);
    if let Ok(mut path) = url.path_segments_mut() {
        path.push("value");
    }
    let body = Body::Octets(value.as_bytes().to_vec());
    api.fetch(Method::PUT, &url, body).await
}

/// Changes the fields that `change` names.
async fn patch(
    api: &Api<'_>,
    secret: &SecretInfo,
    change: &impl serde::Serialize,
) -> Result<SecretInfo, Failure> {
    let body = Body::json(change);
    let url = api.secret_url(secret);
    api.fetch(Method::PATCH, &url, body).await
}

/// Stores a secret with a value of any length.
pub(crate) async fn store(
    api: &Api<'_>,
    new: &New<'_>,
    value: &str,
) -> Result<SecretInfo, Failure> {
    if is_long(value) {
        create_long(api, new, value).await
    } else {
        create(api, new, value, new.is_default).await
    }
}

async fn create(
    api: &Api<'_>,
    new: &New<'_>,
    value: &str,
    is_default: bool,
) -> Result<SecretInfo, Failure> {
    let new = NewSecret {
        secret_name: new.name,
        secret_value: value,
        tool_name: new.tool,
        tool_arg: new.argument,
        is_default_for_tool: is_default,
    };
    let body = Body::json(&new);
    let url = api.url(&["secrets", ""]);
    api.fetch(Method::POST, &url, body).await
}

/// Stores a value that is too long for the create operation, in three steps: a secret with a random value that is not
/// yet a default, then the value, then the default flag. So the random value is never applied.
async fn create_long(api: &Api<'_>, new: &New<'_>, value: &str) -> Result<SecretInfo, Failure> {
    let mut random = [0; 32];
    SystemEntropy
        .fill(&mut random)
        .map_err(|error| Failure::failed(with_causes(&error)))?;
    let secret = create(api, new, &hexadecimal(&random), false).await?;
    let completed = async {
        let secret = put_value(api, &secret, value).await?;
        if new.is_default {
            return patch(api, &secret, &json!({"is_default_for_tool": true})).await;
        }
        Ok(secret)
    };
    match completed.await {
        Ok(secret) => Ok(secret),
        Err(error) => {
            let url = api.secret_url(&secret);
            // The first error is more useful than one of this cleanup.
            let _ = api.send(Method::DELETE, &url, Body::Nothing).await;
            Err(error)
        }
    }
}
