//! `toolvault login`: checks a key and keeps it in a profile.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{Method, Url};

use crate::api::connection::{
    ConnectionOptions, DEFAULT_URL, Role, base, first_key_in, header, key_variable, policy,
};
use crate::api::{Api, Body};
use crate::config::read_secret_file;
use crate::context::Context;
use crate::environment::{CA_FILE, Environment, PROFILE, URL};
use crate::failure::{ExitStatus, Failure};
use crate::profile::{DEFAULT, Keys, Profile, Profiles, parse_name};

/// The longest text with keys, in bytes.
const LONGEST: u64 = 64 << 10;

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault login
  toolvault login https://vault.example.com --profile work
  toolvault login --key-file ~/.local/share/toolvault.first-keys

The key is asked for on a terminal, else read from standard input. A key with only the scope use
is kept as the agent's; the profile's other key stays. If TOOLVAULT_API_KEY or
TOOLVAULT_API_KEY_FILE is set, commands use its key and no profile.")]
pub(crate) struct LoginOptions {
    /// URL of the server [default: `TOOLVAULT_URL`, else `http://127.0.0.1:8710`]
    url: Option<String>,
    /// Name of the profile [default: `TOOLVAULT_PROFILE`, else `default`]
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    profile: Option<String>,
    /// Read the key from this file, or from standard input if it is -. A file of first keys has two: yours, and the
    /// agent's, which `mcp stdio` and `mcp test` use
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Keep the key in the file of the profiles even if there is a keyring
    #[arg(long)]
    no_keyring: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Whose key it is.
#[derive(Serialize, Deserialize)]
struct Me {
    user_id: String,
    name: String,
    scopes: Vec<String>,
    tools: Vec<String>,
}

pub(crate) async fn run(
    options: &LoginOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let (environment, printer) = (&context.environment, context.printer);
    let name = name(options, environment)?;
    let mut profiles = Profiles::open()?;
    let ca_file = options.connection.ca_file.clone();
    let ca_file = ca_file.or_else(|| environment.get(CA_FILE).map(PathBuf::from));
    let ca_file = ca_file.map(std::path::absolute).transpose()?;
    let policy = policy(ca_file.clone());
    let url = match (&options.url, environment.get(URL)) {
        (Some(url), _) => base("URL", url, &policy)?,
        (None, Some(url)) => base(URL, url, &policy)?,
        (None, None) => base("default", DEFAULT_URL, &policy)?,
    };
    let old = replaced(&profiles, &name, &url)?;
    let text = read_keys(options.key_file.as_deref())?;
    let at = At {
        url: &url,
        policy: &policy,
        context,
    };
    let (me, mut keys) = at.checked(&text).await?;
    at.add_other(&mut keys, &name, old, &me).await;
    let profile = Profile::plain(url.to_string(), ca_file, keys);
    let is_sealed = profiles
        .keep(&name, profile, options.no_keyring, context)
        .await?;
    if let Some(variable) = key_variable(environment) {
        printer.error_line(&format!(
            "warning: commands use the key in {variable} and not this profile; unset {variable}"
        ));
    }
    if options.json {
        printer.json(&json!({
            "profile": name,
            "url": url.as_str(),
            "user_id": me.user_id,
            "name": me.name,
            "scopes": me.scopes,
            "tools": me.tools,
            "keyring": is_sealed,
            "file": profiles.path().to_string_lossy(),
        }))?;
    } else {
        let (key, scopes) = (&me.name, me.scopes.join(", "));
        printer.line(&format!(
            "Signed in to {url} with the key {key} ({scopes})."
        ))?;
        let place = if is_sealed {
            "the keyring"
        } else {
            "that file"
        };
        let path = profiles.path().display();
        printer.line(&format!(
            "The profile {name} is in {path}, and its key in {place}."
        ))?;
    }
    Ok(ExitStatus::Success)
}

/// The name of the profile.
fn name(options: &LoginOptions, environment: &Environment) -> Result<String, Failure> {
    match (&options.profile, environment.get(PROFILE)) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(name)) => {
            parse_name(name).map_err(|why| Failure::refused(format!("{PROFILE}: {why}")))
        }
        (None, None) => Ok(DEFAULT.to_owned()),
    }
}

/// The profile of this name, which may only be replaced by one for the same URL.
fn replaced<'a>(
    profiles: &'a Profiles,
    name: &str,
    url: &Url,
) -> Result<Option<&'a Profile>, Failure> {
    match profiles.all().get(name) {
        Some(old) if old.url != url.as_str() => {
            let why = format!("the profile '{name}' is for {}", old.url);
            Err(Failure::refused(why).hint(format!(
                "name another with --profile NAME, or remove it with: toolvault logout {name}"
            )))
        }
        old => Ok(old),
    }
}

/// The text with the keys: of the file or the input, or what is asked for.
fn read_keys(file: Option<&Path>) -> anyhow::Result<Wiped<String>> {
    let text = match file {
        Some(path) if path != Path::new("-") => {
            let shown = path.display();
            read_secret_file(path)
                .map_err(|error| Failure::refused(format!("cannot read {shown}: {error}")))?
        }
        None if io::stdin().is_terminal() => Wiped::new(rpassword::prompt_password("API key: ")?),
        _ => {
            let mut text = Wiped::new(String::new());
            io::stdin()
                .lock()
                .take(LONGEST)
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::refused(format!("cannot read standard input: {error}"))
                })?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(Failure::refused("no key was given")
            .hint("toolvault key create creates one")
            .into());
    }
    Ok(text)
}

/// Where the keys are checked.
struct At<'a> {
    url: &'a Url,
    policy: &'a HttpPolicy,
    context: &'a Context<'a>,
}

impl At<'_> {
    /// The keys in a text with one key or with the first keys of a store, each checked, and whose the first is.
    async fn checked(&self, text: &str) -> Result<(Me, Keys), Failure> {
        let operator = first_key_in(text, Role::Operator).map(str::to_owned);
        let agent = first_key_in(text, Role::Agent).map(str::to_owned);
        let keys = Keys { operator, agent };
        match (&keys.operator, &keys.agent) {
            (Some(operator), agent) => {
                let me = self.check(operator).await?;
                if let Some(agent) = agent {
                    self.check(agent).await?;
                }
                Ok((me, keys))
            }
            (None, Some(agent)) => Ok((self.check(agent).await?, keys)),
            (None, None) => {
                let key = text.trim();
                let me = self.check(key).await?;
                let mut keys = Keys::default();
                if me.scopes == ["use"] {
                    keys.agent = Some(key.to_owned());
                } else {
                    keys.operator = Some(key.to_owned());
                }
                Ok((me, keys))
            }
        }
    }

    /// Adds the key of the other role from the profile that is replaced, if it still works and is of the same user.
    async fn add_other(&self, keys: &mut Keys, name: &str, old: Option<&Profile>, me: &Me) {
        let Some(old) = old else {
            return;
        };
        if keys.operator.is_some() && keys.agent.is_some() {
            return;
        }
        let warn = |why: &dyn std::fmt::Display| {
            self.context.printer.error_line(&format!(
                "warning: the profile's other key is not kept: {why}"
            ));
        };
        let old = match old.keys(name).await {
            Ok(old) => old,
            Err(failure) => return warn(&failure),
        };
        let (missing, other) = if keys.agent.is_none() {
            (&mut keys.agent, old.agent)
        } else {
            (&mut keys.operator, old.operator)
        };
        let Some(other) = other else {
            return;
        };
        match self.check(&other).await {
            Ok(whose) if whose.user_id == me.user_id => *missing = Some(other),
            Ok(_) => warn(&"it is another user's"),
            Err(failure) => warn(&failure),
        }
    }

    /// Asks the server whose key it is.
    async fn check(&self, key: &str) -> Result<Me, Failure> {
        let authorization = header("the key", key)?;
        let (url, policy) = (self.url.clone(), self.policy.clone());
        let api = Api::at(url, policy, authorization, self.context.printer)?;
        api.fetch(Method::GET, &api.url(&["me"]), Body::Nothing)
            .await
    }
}
