//! One issuer of tokens as configured in `[auth.issuers.<name>]`, and its validation.

mod sign_in;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy};

use super::algorithm::Algorithm;
use super::key_file::KeyFileError;
use super::key_set::MAX_KEY_SET_BYTES;

/// The time limit of one request to an issuer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest `max_lifetime_seconds`: thirty days.
const LONGEST_LIFETIME_SECONDS: u32 = 30 * 86_400;

/// An issuer whose tokens are accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The name under `[auth.issuers]`; set by the code that reads the table.
    #[serde(skip)]
    pub name: String,
    /// The required claim `iss`, compared byte by byte.
    pub issuer: String,
    /// The accepted values of the claim `aud`; one of them must be there. A single string is accepted, too. It may be
    /// empty if people sign in at the issuer: then none of its tokens is accepted from programs.
    #[serde(default, deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// Where the issuer publishes its keys: https, or http on this machine.
    pub jwks_url: Option<String>,
    /// A file with the issuer's keys, instead of `jwks_url`.
    pub jwks_file: Option<PathBuf>,
    /// The accepted algorithms; by default RS256, ES256 and `EdDSA`.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// The accepted token types (`typ`), in any case and with or without `application/`; by default `at+jwt` and `JWT`.
    /// A token without a type counts as `JWT`.
    #[serde(default = "default_token_types")]
    pub token_types: Vec<String>,
    /// The scopes to which its tokens are limited, and which a token without a `scope` claim gets; by default `manage`
    /// and `audit`.
    #[serde(default = "default_scopes")]
    pub scopes: ScopeSet,
    /// Whether an unknown subject becomes a user.
    #[serde(default)]
    pub create_users: bool,
    /// Whether the claim `sub` is the user's ID; at most one issuer may set this.
    #[serde(default)]
    pub subject_is_user_id: bool,
    /// The longest time from `iat` to `exp`, in seconds; by default one day.
    #[serde(default = "default_max_lifetime_seconds")]
    pub max_lifetime_seconds: u32,
    /// Whether the issuer and `jwks_url` may be in a private network or on this machine.
    #[serde(default)]
    pub allow_private_network: bool,
    /// A PEM file of certificates to trust for the issuer and `jwks_url`, besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The client that the issuer knows this server as. With it, people sign in to the dashboard at the issuer.
    pub client_id: Option<String>,
    /// A file with the client's secret, if it has one. It is read for each sign-in.
    pub client_secret_file: Option<PathBuf>,
    /// The scopes of people who signed in; by default `manage` and `audit`.
    pub sign_in_scopes: Option<ScopeSet>,
}

impl IssuerConfig {
    /// The rules of the connections to the issuer.
    pub(crate) fn policy(&self) -> HttpPolicy {
        HttpPolicy {
            connect_timeout: FETCH_TIMEOUT,
            total_timeout: FETCH_TIMEOUT,
            silence_timeout: None,
            max_body_bytes: MAX_KEY_SET_BYTES,
            allow_private_network: self.allow_private_network,
            allow_plain_http: false,
            ca_file: self.ca_file.clone(),
        }
    }
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]
}

fn default_token_types() -> Vec<String> {
    ["at+jwt", "JWT"].map(str::to_owned).into()
}

fn default_scopes() -> ScopeSet {
    [Scope::Manage, Scope::Audit].into_iter().collect()
}

const fn default_max_lifetime_seconds() -> u32 {
    86_400
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// Why the configured issuers are refused.
#[derive(Debug, thiserror::Error)]
pub enum IssuerConfigError {
    /// A required string or list is empty.
    #[error("auth.issuers.{name}: '{field}' must not be empty")]
    Empty {
        /// The issuer's name.
        name: String,
        /// The setting.
        field: &'static str,
    },
    /// Neither or both of `jwks_url` and `jwks_file` are set.
    #[error("auth.issuers.{0}: set exactly one of 'jwks_url' and 'jwks_file'")]
    KeySource(String),
    /// `jwks_url`, or the network address behind it, cannot be used.
    #[error(
        "auth.issuers.{name}: 'jwks_url' cannot be used: {source}{}",
        hint(source)
    )]
    KeyUrl {
        /// The issuer's name.
        name: String,
        /// What is wrong.
        source: HttpError,
    },
    /// `jwks_file` has no usable keys.
    #[error("auth.issuers.{name}: 'jwks_file' {} has no usable keys: {source}", path.display())]
    KeyFile {
        /// The issuer's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyFileError,
    },
    /// People sign in at the issuer, whose URL, or the network address behind it, cannot be used.
    #[error(
        "auth.issuers.{name}: people cannot sign in at 'issuer': {source}{}",
        hint(source)
    )]
    Url {
        /// The issuer's name.
        name: String,
        /// What is wrong.
        source: HttpError,
    },
    /// People sign in at the issuer, and its name cannot be a part of a URL.
    #[error(
        "auth.issuers.{0}: with 'client_id', the name must have 1 to 64 letters, digits, hyphens or underscores"
    )]
    Name(String),
    /// `client_secret_file` cannot be used.
    #[error("auth.issuers.{name}: 'client_secret_file' {}: {source}", path.display())]
    ClientSecret {
        /// The issuer's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A setting is for sign-ins, and people cannot sign in at the issuer.
    #[error("auth.issuers.{name}: '{field}' has an effect only with 'client_id'")]
    NeedsClient {
        /// The issuer's name.
        name: String,
        /// The setting.
        field: &'static str,
    },
    /// `ca_file` or `allow_private_network` is set, but nothing connects to the issuer.
    #[error("auth.issuers.{name}: '{field}' has an effect only with 'jwks_url' or 'client_id'")]
    NeedsKeyUrl {
        /// The issuer's name.
        name: String,
        /// The setting.
        field: &'static str,
    },
    /// `max_lifetime_seconds` is zero or more than thirty days.
    #[error("auth.issuers.{0}: 'max_lifetime_seconds' must be from 1 to 2592000 (30 days)")]
    Lifetime(String),
    /// Two issuers have the same `issuer`, so a token could belong to either.
    #[error("auth.issuers.{first} and auth.issuers.{second} have the same 'issuer'")]
    SameIssuer {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// More than one issuer chooses the IDs of users.
    #[error("only one issuer may set 'subject_is_user_id': {first} and {second} do")]
    SubjectIsUserId {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
    },
}

fn hint(error: &HttpError) -> &'static str {
    match error {
        HttpError::ForbiddenAddress => " ('allow_private_network' would allow it)",
        _ => "",
    }
}

/// Checks each issuer separately and all of them as a set. Opens neither files nor connections.
pub(super) fn validate_issuers(issuers: &[IssuerConfig]) -> Result<(), IssuerConfigError> {
    for config in issuers {
        validate(config)?;
    }
    if let Some((first, second)) = first_pair(issuers, |a, b| a.issuer == b.issuer) {
        return Err(IssuerConfigError::SameIssuer { first, second });
    }
    let both_choose =
        |a: &IssuerConfig, b: &IssuerConfig| a.subject_is_user_id && b.subject_is_user_id;
    if let Some((first, second)) = first_pair(issuers, both_choose) {
        return Err(IssuerConfigError::SubjectIsUserId { first, second });
    }
    Ok(())
}

/// The names of the first two issuers for which `clash` is true.
fn first_pair(
    issuers: &[IssuerConfig],
    clash: impl Fn(&IssuerConfig, &IssuerConfig) -> bool,
) -> Option<(String, String)> {
    issuers.iter().enumerate().find_map(|(position, first)| {
        let second = issuers
            .iter()
            .skip(position + 1)
            .find(|second| clash(first, second))?;
        Some((first.name.clone(), second.name.clone()))
    })
}

fn validate(config: &IssuerConfig) -> Result<(), IssuerConfigError> {
    let name = || config.name.clone();
    let audience: BTreeSet<&str> = config.audience.iter().map(String::as_str).collect();
    for (field, is_empty) in [
        ("issuer", config.issuer.is_empty()),
        (
            "audience",
            audience.contains("") || (audience.is_empty() && config.client_id.is_none()),
        ),
        ("algorithms", config.algorithms.is_empty()),
        ("token_types", config.token_types.is_empty()),
        ("scopes", config.scopes.is_empty()),
        (
            "client_id",
            config.client_id.as_ref().is_some_and(String::is_empty),
        ),
        (
            "sign_in_scopes",
            config.sign_in_scopes.is_some_and(ScopeSet::is_empty),
        ),
    ] {
        if is_empty {
            return Err(IssuerConfigError::Empty {
                name: name(),
                field,
            });
        }
    }
    if !(1..=LONGEST_LIFETIME_SECONDS).contains(&config.max_lifetime_seconds) {
        return Err(IssuerConfigError::Lifetime(name()));
    }
    sign_in::validate(config)?;
    match (&config.jwks_url, &config.jwks_file) {
        (Some(url), None) => match config.policy().check(url) {
            Ok(_) => Ok(()),
            Err(source) => Err(IssuerConfigError::KeyUrl {
                name: name(),
                source,
            }),
        },
        (None, Some(_)) => {
            for (field, is_set) in [
                ("ca_file", config.ca_file.is_some()),
                ("allow_private_network", config.allow_private_network),
            ] {
                if is_set && config.client_id.is_none() {
                    return Err(IssuerConfigError::NeedsKeyUrl {
                        name: name(),
                        field,
                    });
                }
            }
            Ok(())
        }
        _ => Err(IssuerConfigError::KeySource(name())),
    }
}

/// The client that fetches the keys of `config`.
pub(super) fn key_client(config: &IssuerConfig) -> Result<GuardedClient, IssuerConfigError> {
    GuardedClient::new(config.policy()).map_err(|source| IssuerConfigError::KeyUrl {
        name: config.name.clone(),
        source,
    })
}
