//! The connection to a server over the network: its URL, the key, and the trusted certificates.

mod fault;

use std::path::PathBuf;

use clap::Args;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::http::{HeaderValue, Url};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy};

pub(crate) use self::fault::no_answer;
use super::listener;
use crate::config::read_secret_file;
use crate::environment::{API_KEY, API_KEY_FILE, CA_FILE, Environment, PROFILE, URL};
use crate::failure::{Failure, with_causes};
use crate::profile::{self, Keys, Profile};

pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8710";

/// The flags of commands that send requests to a server.
#[derive(Args, Clone, Default)]
pub(crate) struct ConnectionOptions {
    /// PEM file with certificates to trust in addition to the system's [default: `TOOLVAULT_CA_FILE`]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// The client for requests to a server.
pub(crate) fn client(policy: HttpPolicy) -> Result<GuardedClient, Failure> {
    GuardedClient::new(policy).map_err(|error| match error {
        HttpError::CaFile { .. } => Failure::refused(with_causes(&error)),
        _ => Failure::failed(with_causes(&error)),
    })
}

/// Which key to use, if there are two.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// To manage secrets and keys.
    Operator,
    /// To call tools through the gateway.
    Agent,
}

impl Keys {
    /// The key of a role. An agent's key may serve where an operator's does, never the other way round.
    fn of(&self, role: Role) -> Option<&str> {
        let key = match role {
            Role::Operator => self.operator.as_ref().or(self.agent.as_ref()),
            Role::Agent => self.agent.as_ref(),
        };
        key.map(String::as_str)
    }
}

/// The server that requests are sent to: the environment's, else that of the profile in use.
pub(crate) struct Server<'a> {
    environment: &'a Environment,
    ca_file: Option<PathBuf>,
    profile: Option<(String, Profile)>,
}

impl<'a> Server<'a> {
    /// The server of a command. With a key in the environment, no profile is used: it may be of another server.
    pub(crate) fn of(
        options: &ConnectionOptions,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let profile = match key_variable(environment) {
            Some(key) if environment.get(PROFILE).is_some() => {
                let why = format!("{PROFILE} and {key} are both set, and each has a key");
                return Err(Failure::refused(why).hint("unset one of them"));
            }
            Some(_) => None,
            None => profile::in_use(environment)?,
        };
        let named = options.ca_file.clone();
        Ok(Self {
            environment,
            ca_file: named.or_else(|| environment.get(CA_FILE).map(PathBuf::from)),
            profile,
        })
    }

    /// The rules for requests to it. It may be on this machine or in a private network.
    pub(crate) fn policy(&self) -> HttpPolicy {
        let of_profile = self.profile.as_ref();
        let of_profile = of_profile.and_then(|(_, profile)| profile.ca_file.clone());
        policy(self.ca_file.clone().or(of_profile))
    }

    /// The API's URL.
    pub(crate) fn url(&self, policy: &HttpPolicy) -> Result<Url, Failure> {
        if let Some(url) = self.environment.get(URL) {
            return base(URL, url, policy);
        }
        match &self.profile {
            Some((name, profile)) => base(&format!("profile '{name}'"), &profile.url, policy),
            None => base("default", DEFAULT_URL, policy),
        }
    }

    /// The profile in use.
    pub(crate) fn profile_name(&self) -> Option<&str> {
        self.profile.as_ref().map(|(name, _)| name.as_str())
    }

    /// The header that holds the key.
    pub(crate) async fn authorization(
        &self,
        url: &Url,
        role: Role,
    ) -> Result<HeaderValue, Failure> {
        let environment = self.environment;
        listener::require_trusted(url, environment)?;
        if let Some(key) = environment.get(API_KEY) {
            return header(API_KEY, key.trim());
        }
        if let Some(path) = environment.get(API_KEY_FILE) {
            let text = read_secret_file(path.as_ref()).map_err(|error| {
                Failure::refused(format!("{API_KEY_FILE}: cannot read {path}: {error}"))
            })?;
            return header(API_KEY_FILE, key_in(&text, role));
        }
        let Some((name, profile)) = &self.profile else {
            return Err(Failure::refused("no API key is set").hint(format!(
                "sign in with: toolvault login; or set {API_KEY} or {API_KEY_FILE}. toolvault serve showed a key when it set up the store, or wrote it to the file toolvault.first-keys; toolvault key create makes a new one"
            )));
        };
        // A key goes only to the server that it is for.
        if profile.url != url.as_str() {
            let why = format!(
                "the profile '{name}' is for {}, and {URL} is {url}",
                profile.url
            );
            return Err(Failure::refused(why).hint(format!(
                "unset {URL}, set {API_KEY} too, or sign in there with: toolvault login"
            )));
        }
        let keys = profile.keys(name).await?;
        let key = keys.of(role).ok_or_else(|| {
            let why = format!("the profile '{name}' has no key for an agent, and yours can do too much");
            Failure::refused(why).hint(format!(
                "create one with: toolvault key create --user NAME --scope use; then keep it with: toolvault login {url} --profile {name}; or set {API_KEY}"
            ))
        })?;
        header(&format!("profile '{name}'"), key)
    }
}

/// Refuses a server that is on another machine.
pub(crate) fn require_own_machine(
    options: &ConnectionOptions,
    environment: &Environment,
) -> Result<(), Failure> {
    let server = Server::of(options, environment)?;
    let url = server.url(&server.policy())?;
    if toolvault_gateway::http::is_on_this_machine(&url) {
        return Ok(());
    }
    let shown = url.origin().ascii_serialization();
    let source = match server.profile_name() {
        Some(name) if environment.get(URL).is_none() => format!("the profile '{name}' is for"),
        _ => format!("{URL} is"),
    };
    Err(Failure::refused(format!(
        "{source} {shown}, which is not on this machine"
    ))
    .hint("choose another profile with: toolvault profile use; or import single files with: toolvault mcp import"))
}

/// The variable that has a key, which is used instead of a profile.
pub(crate) fn key_variable(environment: &Environment) -> Option<&'static str> {
    let mut names = [API_KEY, API_KEY_FILE].into_iter();
    names.find(|name| environment.get(name).is_some())
}

/// What to do about a key that the server does not accept: that of a profile, or of a variable.
pub(crate) fn refused_key(profile: Option<&str>) -> String {
    match profile {
        Some(name) => format!(
            "the server no longer accepts the key of the profile '{name}': sign in again with: toolvault login --profile {name}"
        ),
        None => format!("check the key in {API_KEY}, or sign in with: toolvault login"),
    }
}

/// The rules for requests to a server, with the certificates of a file.
pub(crate) fn policy(ca_file: Option<PathBuf>) -> HttpPolicy {
    HttpPolicy {
        allow_private_network: true,
        ca_file,
        ..HttpPolicy::default()
    }
}

/// The API's URL, which came from `source`.
pub(crate) fn base(source: &str, url: &str, policy: &HttpPolicy) -> Result<Url, Failure> {
    let url = policy
        .check(url)
        .map_err(|error| fault::not_a_server(source, url, &error))?;
    if url.path().trim_end_matches('/').ends_with("/v1") {
        let why = format!("{source} ends in /v1, which the command adds itself");
        return Err(Failure::refused(why).hint("leave out /v1"));
    }
    Ok(url)
}

/// The header with a key, which came from `source`.
pub(crate) fn header(source: &str, key: &str) -> Result<HeaderValue, Failure> {
    let text = Wiped::new(format!("Bearer {key}"));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Failure::refused(format!("{source}: this is not a key")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The key in a text with one key or with the first keys of a store.
pub(crate) fn key_in(text: &str, role: Role) -> &str {
    first_key_in(text, role).unwrap_or(text).trim()
}

/// The key of a role in a text with the first keys of a store.
pub(crate) fn first_key_in(text: &str, role: Role) -> Option<&str> {
    let name = match role {
        Role::Operator => "operator_key=",
        Role::Agent => "agent_key=",
    };
    text.lines().find_map(|line| line.trim().strip_prefix(name))
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
