//! The configured source of an issuer's keys: a file or a URL.

use std::path::Path;
use std::sync::Arc;

use toolvault_core::timestamp::Timestamp;

use super::algorithm::Algorithm;
use super::config;
use super::config::{IssuerConfig, IssuerConfigError};
use super::error::JwtError;
use super::key_file::KeyFile;
use super::key_set::KeySet;
use super::key_url::KeyUrl;

/// The source of one issuer's keys.
#[derive(Debug)]
pub(super) enum KeySource {
    File(KeyFile),
    Url(KeyUrl),
}

impl KeySource {
    /// The source that a validated `config` names.
    pub(super) fn new(config: &IssuerConfig) -> Result<Self, IssuerConfigError> {
        match (&config.jwks_file, &config.jwks_url) {
            (Some(path), None) => Self::file(config, path),
            (None, Some(url)) => {
                let client = config::key_client(config)?;
                Ok(Self::Url(KeyUrl::new(&config.name, client, url)))
            }
            _ => Err(IssuerConfigError::KeySource(config.name.clone())),
        }
    }

    fn file(config: &IssuerConfig, path: &Path) -> Result<Self, IssuerConfigError> {
        let file = KeyFile::open(path).map_err(|source| IssuerConfigError::KeyFile {
            name: config.name.clone(),
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::File(file))
    }

    /// The issuer's keys at `now`. They are fetched again if the key that a token names is not among them.
    pub(super) async fn with_key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, JwtError> {
        match self {
            Self::File(file) => file.keys(now).await,
            Self::Url(url) => {
                let keys = url.keys(now).await?;
                if id.is_some() && keys.find(id, algorithm).err() == Some(JwtError::UnknownKey) {
                    return url.keys_after_unknown(now).await;
                }
                Ok(keys)
            }
        }
    }
}
