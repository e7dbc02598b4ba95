//! The connection to a server over the network: its URL, the key, and the trusted certificates.

use std::path::PathBuf;

use clap::Args;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::http::{HeaderValue, Url};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy};

use crate::config::read_secret_file;
use crate::environment::{API_KEY, API_KEY_FILE, CA_FILE, Environment, URL};
use crate::failure::{Failure, with_causes};

const DEFAULT_URL: &str = "http://127.0.0.1:8710";

/// The flags of commands that send requests to a server.
#[derive(Args, Default)]
pub(crate) struct ConnectionOptions {
    /// PEM file with certificates to trust besides the system's [default: `TOOLVAULT_CA_FILE`]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl ConnectionOptions {
    /// The rules for requests to a server, which may be on this machine or in a private network.
    pub(crate) fn policy(&self, environment: &Environment) -> HttpPolicy {
        let named = self.ca_file.clone();
        HttpPolicy {
            allow_private_network: true,
            ca_file: named.or_else(|| environment.get(CA_FILE).map(PathBuf::from)),
            ..HttpPolicy::default()
        }
    }
}

/// The API's URL from the environment.
pub(crate) fn base(environment: &Environment, policy: &HttpPolicy) -> Result<Url, Failure> {
    let url = environment.get(URL).unwrap_or(DEFAULT_URL);
    let url = policy
        .check(url)
        .map_err(|error| Failure::refused(format!("{URL}: {error}")))?;
    if url.path().trim_end_matches('/').ends_with("/v1") {
        let why = format!("{URL} ends in /v1, which commands add by themselves");
        return Err(Failure::refused(why).hint(format!("set {URL} without /v1")));
    }
    Ok(url)
}

/// The client for requests to a server.
pub(crate) fn client(policy: HttpPolicy) -> Result<GuardedClient, Failure> {
    GuardedClient::new(policy).map_err(|error| match error {
        HttpError::CaFile { .. } => Failure::refused(with_causes(&error)),
        _ => Failure::failed(with_causes(&error)),
    })
}

/// Which of the first keys to use, if the file holds both.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// To manage secrets and keys.
    Operator,
    /// To call tools through the gateway.
    Agent,
}

/// The header that holds the key.
pub(crate) fn authorization(environment: &Environment, role: Role) -> Result<HeaderValue, Failure> {
    let key = match (environment.get(API_KEY), environment.get(API_KEY_FILE)) {
        (Some(key), _) => Wiped::new(key.trim().to_owned()),
        (None, Some(path)) => {
            let text = read_secret_file(path.as_ref()).map_err(|error| {
                Failure::refused(format!("{API_KEY_FILE}: cannot read {path}: {error}"))
            })?;
            Wiped::new(key_in(&text, role).to_owned())
        }
        (None, None) => {
            return Err(Failure::refused("no API key is set").hint(format!(
                "set {API_KEY} or {API_KEY_FILE}; toolvault serve showed a key when it set up the store, and toolvault key create creates a new one"
            )));
        }
    };
    let text = Wiped::new(format!("Bearer {}", key.as_str()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Failure::refused(format!(
            "the content of {API_KEY} or {API_KEY_FILE} is not a key"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The key in a text with one key or with the first keys of a store.
fn key_in(text: &str, role: Role) -> &str {
    let name = match role {
        Role::Operator => "operator_key=",
        Role::Agent => "agent_key=",
    };
    let named = text.lines().find_map(|line| line.trim().strip_prefix(name));
    named.unwrap_or(text).trim()
}

/// The failure for a server that does not answer, with a hint.
pub(crate) fn no_answer(url: &Url, error: &HttpError) -> Failure {
    let server = url.origin().ascii_serialization();
    let text = with_causes(error);
    let failure = Failure::failed(format!("the server at {server} does not answer: {text}"));
    // The TLS library begins its message so for every certificate that it refuses.
    if text.contains("invalid peer certificate") {
        return failure.hint(format!(
            "the certificate of {server} is not trusted: name a PEM file with its CA in --ca-file or {CA_FILE}"
        ));
    }
    match error {
        HttpError::Unreachable(_) | HttpError::UnknownHost(_) | HttpError::Timeout => {
            failure.hint(format!(
                "is the server running? Start it with: toolvault serve. {URL} sets its address"
            ))
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_first_keys_holds_a_key_for_each_role() {
        let first =
            "# The first keys\noperator_key=tvk_1\r\nagent_key=tvk_2\naudit_public_key=ab\n";
        assert_eq!(key_in(first, Role::Operator), "tvk_1");
        assert_eq!(key_in(first, Role::Agent), "tvk_2");
        for role in [Role::Operator, Role::Agent] {
            assert_eq!(key_in(" tvk_3\n", role), "tvk_3");
        }
    }
}
