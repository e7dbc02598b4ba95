//! The bucket that checkpoints are written to.

use std::path::PathBuf;

use toolvault_core::confidential::Wiped;
use toolvault_gateway::HttpPolicy;
use toolvault_gateway::bucket::Bucket;

use super::layers::Layers;
use super::root_key::read_secret_file;

/// A place in a bucket, and how to write to it.
#[derive(Clone)]
pub(crate) struct BucketSettings {
    pub(crate) url: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretAccessKey,
    pub(crate) policy: HttpPolicy,
}

/// Where the secret access key is.
#[derive(Clone)]
pub(crate) enum SecretAccessKey {
    Value(Wiped<String>),
    File(PathBuf),
}

impl SecretAccessKey {
    /// The key. A file is read each time, so that a new key needs no restart. Blocks.
    pub(crate) fn read(&self) -> Result<Wiped<String>, String> {
        match self {
            Self::Value(key) => Ok(key.clone()),
            Self::File(path) => read_secret_file(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display())),
        }
    }
}

impl BucketSettings {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const URL: &str = "audit.checkpoints.s3.url";
        const REGION: &str = "audit.checkpoints.s3.region";
        const ID: &str = "audit.checkpoints.s3.access_key_id";
        const SECRET: &str = "audit.checkpoints.s3.secret_access_key";
        const SECRET_FILE: &str = "audit.checkpoints.s3.secret_access_key_file";
        let text = |layers: &Layers, key: &str| layers.text(key).map(|(text, _)| text.to_owned());
        let Some(url) = text(layers, URL) else {
            for key in [REGION, ID, SECRET, SECRET_FILE] {
                if layers.text(key).is_some() {
                    layers.problem_at(key, &format!("set {URL} too"));
                }
            }
            return None;
        };
        let policy = HttpPolicy {
            allow_private_network: layers.boolean("audit.checkpoints.s3.allow_private_network"),
            ca_file: layers.path("audit.checkpoints.s3.ca_file"),
            ..HttpPolicy::default()
        };
        if let Err(error) = Bucket::check(&url, &policy) {
            layers.problem_at(URL, &error.to_string());
        }
        let secret = match layers.latest(&[SECRET, SECRET_FILE]) {
            Some(SECRET) => text(layers, SECRET).map(|key| SecretAccessKey::Value(Wiped::new(key))),
            Some(_) => layers.path(SECRET_FILE).map(SecretAccessKey::File),
            None => None,
        };
        if let Some(Err(why)) = secret.as_ref().map(SecretAccessKey::read) {
            layers.problem_at(SECRET_FILE, &why);
        }
        let (Some(region), Some(access_key_id), Some(secret)) =
            (text(layers, REGION), text(layers, ID), secret)
        else {
            let advice = format!("set {REGION}, {ID} and {SECRET_FILE} too");
            layers.problem_at(URL, &advice);
            return None;
        };
        Some(Self {
            url,
            region,
            access_key_id,
            secret,
            policy,
        })
    }
}
