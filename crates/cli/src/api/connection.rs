//! How a server is reached over the network: its URL, the key, and which certificates to trust.

use std::path::PathBuf;

use clap::Args;
use toolvault_gateway::http::{HeaderValue, Url};
use toolvault_gateway::{HttpError, HttpPolicy};
use zeroize::Zeroizing;

use crate::config::read_secret_file;
use crate::environment::{API_KEY, API_KEY_FILE, CA_FILE, Environment, URL};
use crate::failure::{Failure, with_causes};

const DEFAULT_URL: &str = "http://127.0.0.1:8710";

/// The flags of commands that send requests to a server.
#[derive(Args, Default)]
pub(crate) struct ConnectionOptions {
    /// PEM file with certificates to trust beside the system's [default: `TOOLVAULT_CA_FILE`]
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

/// Where the environment says that the API is.
pub(crate) fn base(environment: &Environment, policy: &HttpPolicy) -> Result<Url, Failure> {
    let url = environment.get(URL).unwrap_or(DEFAULT_URL);
    policy
        .check(url)
        .map_err(|error| Failure::refused(format!("{URL}: {error}")))
}

/// Which of the first keys to use if the key is in a file with both.
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
        (Some(key), _) => Zeroizing::new(key.trim().to_owned()),
        (None, Some(path)) => {
            let text = read_secret_file(path.as_ref())
                .map_err(|error| Failure::refused(format!("{API_KEY_FILE}: {error}")))?;
            Zeroizing::new(key_in(&text, role).to_owned())
        }
        (None, None) => {
            return Err(Failure::refused("there is no key for the API").hint(format!(
                "set {API_KEY} or {API_KEY_FILE}; toolvault serve showed a key when it set the store up, and toolvault key create makes another"
            )));
        }
    };
    let text = Zeroizing::new(format!("Bearer {}", key.as_str()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Failure::refused(format!(
            "what {API_KEY} or {API_KEY_FILE} holds is not a key"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The key in a file that holds one key, or the first keys of a store.
fn key_in(text: &str, role: Role) -> &str {
    let name = match role {
        Role::Operator => "operator_key=",
        Role::Agent => "agent_key=",
    };
    let named = text.lines().find_map(|line| line.trim().strip_prefix(name));
    named.unwrap_or(text).trim()
}

/// Why a server gave no answer, with what to do about it.
pub(crate) fn no_answer(url: &Url, error: &HttpError) -> Failure {
    let server = url.origin().ascii_serialization();
    let text = with_causes(error);
    let failure = Failure::failed(format!("the server at {server} does not answer: {text}"));
    // The TLS library's words for every certificate that it does not accept.
    if text.contains("invalid peer certificate") {
        return failure.hint(format!(
            "the certificate of {server} is not trusted: name a PEM file with its CA in --ca-file or {CA_FILE}"
        ));
    }
    match error {
        HttpError::Unreachable(_) | HttpError::UnknownHost(_) | HttpError::Timeout => {
            failure.hint(format!(
                "is the server running? Start it with: toolvault serve. {URL} says where to find it"
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
