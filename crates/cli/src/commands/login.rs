//! `toolvault login`: checks a key and keeps it in a profile. The person gives the key, or approves one in a browser
//! ([`approval`]).

mod approval;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{HeaderValue, Method, Url};

use self::approval::Way;
use crate::api::connection::{
    ConnectionOptions, DEFAULT_URL, Role, base, first_key_in, header, key_variable, policy,
};
use crate::api::{Api, Body};
use crate::config::read_secret_file;
use crate::context::Context;
use crate::environment::{CA_FILE, Environment, PROFILE, URL};
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::profile::{DEFAULT, Keys, Profile, Profiles, parse_name};
use crate::value::ask_hidden;

/// The longest text with keys, in bytes.
const LONGEST: u64 = 64 << 10;

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault login
  toolvault login https://vault.example.com --profile work
  toolvault login --key-file ~/.local/share/toolvault.first-keys

Without --with and --key-file, you sign in at a terminal: in the browser if the server has an \
identity provider, else with an API key. Without a terminal the key is read from standard input.

A key that you approved in the browser ends when you approve another one, and with toolvault logout.

A key with only the scope use is kept as the agent's; the profile's other key stays. If \
TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE is set, commands use its key and no profile.")]
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
    /// Sign in with an API key; with a new key that you approve in the browser of this machine; or in
    /// any browser, which shows a code to paste
    #[arg(long, value_name = "WAY", value_enum, conflicts_with = "key_file")]
    with: Option<Way>,
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
    let environment = &context.environment;
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
    check_replaced(&profiles, &name, &url)?;
    let at = At {
        url: &url,
        policy: &policy,
        context,
    };
    let given = Box::pin(at.given(options)).await?;
    let keeping = at.keep(&mut profiles, &name, &given, ca_file, options.no_keyring);
    let kept = Box::pin(keeping).await;
    if kept.is_err() && given.made.is_some() {
        // It is kept nowhere. The failure matters more than one to revoke it.
        let _ = at.revoke(&given.text).await;
    }
    let (me, is_sealed) = kept?;
    if let Some(variable) = key_variable(environment) {
        context.printer.error_line(&format!(
            "warning: commands use the key in {variable} and not this profile; unset {variable}"
        ));
    }
    let file = profiles.path().display();
    if options.json {
        context.printer.json(&json!({
            "profile": name,
            "url": url.as_str(),
            "user_id": me.user_id,
            "name": me.name,
            "scopes": me.scopes,
            "tools": me.tools,
            "keyring": is_sealed,
            "file": file.to_string(),
        }))?;
        return Ok(ExitStatus::Success);
    }
    let (key, scopes) = (&me.name, me.scopes.join(", "));
    let place = if is_sealed {
        "the keyring"
    } else {
        "that file"
    };
    let printer = context.printer;
    printer.line(&format!(
        "Signed in to {url} with the key {key} ({scopes})."
    ))?;
    printer.line(&format!(
        "The profile {name} is in {file}, and its key in {place}."
    ))?;
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

/// Refuses to replace a profile of this name, unless it is for the same URL.
fn check_replaced(profiles: &Profiles, name: &str, url: &Url) -> Result<(), Failure> {
    match profiles.all().get(name) {
        Some(old) if old.url != url.as_str() => {
            let why = format!("the profile '{name}' is for {}", old.url);
            Err(Failure::refused(why).hint(format!(
                "name another with --profile NAME, or remove it with: toolvault logout {name}"
            )))
        }
        _ => Ok(()),
    }
}

/// The text with the keys: of the file or the input, or what is asked for.
fn read_keys(file: Option<&Path>, printer: &Printer) -> anyhow::Result<Wiped<String>> {
    let text = match file {
        Some(path) if path != Path::new("-") => {
            let shown = path.display();
            read_secret_file(path)
                .map_err(|error| Failure::refused(format!("cannot read {shown}: {error}")))?
        }
        None if io::stdin().is_terminal() => ask_hidden("API key: ", printer)?,
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

/// What a person signs in with.
struct Given {
    /// A key, or the first keys of a store.
    text: Wiped<String>,
    /// The public part of a key that was made for this.
    made: Option<String>,
}

impl At<'_> {
    /// The API, with a key or without one.
    fn api(&self, authorization: Option<HeaderValue>) -> Result<Api<'_>, Failure> {
        let (url, policy) = (self.url.clone(), self.policy.clone());
        Api::at(url, policy, authorization, self.context.printer)
    }

    async fn given(&self, options: &LoginOptions) -> anyhow::Result<Given> {
        let way = match options.with {
            Some(way) => way,
            None if options.key_file.is_none()
                && io::stdin().is_terminal()
                && approval::has_issuers(&self.api(None)?).await? =>
            {
                Way::Browser
            }
            None => Way::Key,
        };
        if way == Way::Key {
            let text = read_keys(options.key_file.as_deref(), self.context.printer)?;
            return Ok(Given { text, made: None });
        }
        let issued = Box::pin(approval::approved_key(self, way)).await?;
        Ok(Given {
            made: Some(issued.info.key_id.to_string()),
            text: issued.key,
        })
    }

    /// Keeps what was given in a profile. Returns whose it is, and whether it is sealed.
    async fn keep(
        &self,
        profiles: &mut Profiles,
        name: &str,
        given: &Given,
        ca_file: Option<PathBuf>,
        is_plain: bool,
    ) -> Result<(Me, bool), Failure> {
        let (me, mut keys) = self.checked(&given.text).await?;
        let old = profiles.all().get(name);
        let made = old.map(|old| old.made.clone()).unwrap_or_default();
        let before = Box::pin(self.old_keys(name, old)).await;
        self.add_other(&mut keys, &before, &me).await;
        let (left, gone): (Vec<String>, Vec<String>) =
            made.into_iter().partition(|id| keys.with_id(id).is_some());
        let mut profile = Profile::plain(self.url.to_string(), ca_file, keys);
        profile
            .made
            .extend(given.made.clone().into_iter().chain(left));
        let is_sealed = profiles.keep(name, profile, is_plain, self.context).await?;
        // The profile no longer has them, so no logout would revoke them later.
        for id in gone {
            if let Some(key) = before.with_id(&id)
                && let Err(failure) = self.revoke(key).await
            {
                self.context.printer.error_line(&format!(
                    "warning: the profile's former key {id} still works: {failure}"
                ));
            }
        }
        Ok((me, is_sealed))
    }

    /// Revokes a key with itself.
    async fn revoke(&self, key: &str) -> Result<(), Failure> {
        let api = self.api(Some(header("the key", key)?))?;
        api.revoke_itself(key).await
    }

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

    /// The keys of the profile that is replaced.
    async fn old_keys(&self, name: &str, old: Option<&Profile>) -> Keys {
        match old.map(|old| old.keys(name)) {
            Some(reading) => reading.await.unwrap_or_else(|failure| {
                self.warn_not_kept(&failure);
                Keys::default()
            }),
            None => Keys::default(),
        }
    }

    fn warn_not_kept(&self, why: &dyn std::fmt::Display) {
        self.context.printer.error_line(&format!(
            "warning: the profile's other key is not kept: {why}"
        ));
    }

    /// Adds the key of the other role from the profile that is replaced, if it still works and is of the same user.
    async fn add_other(&self, keys: &mut Keys, old: &Keys, me: &Me) {
        if keys.operator.is_some() && keys.agent.is_some() {
            return;
        }
        let (missing, other) = if keys.agent.is_none() {
            (&mut keys.agent, &old.agent)
        } else {
            (&mut keys.operator, &old.operator)
        };
        let Some(other) = other else {
            return;
        };
        match self.check(other).await {
            Ok(whose) if whose.user_id == me.user_id => *missing = Some(other.clone()),
            Ok(_) => self.warn_not_kept(&"it is another user's"),
            Err(failure) => self.warn_not_kept(&failure),
        }
    }

    /// Asks the server whose key it is.
    async fn check(&self, key: &str) -> Result<Me, Failure> {
        let api = self.api(Some(header("the key", key)?))?;
        let url = api.url(&["me"]);
        let checked = api.fetch(Method::GET, &url, Body::Nothing).await;
        checked.map_err(|failure: Failure| {
            if !failure.is_unauthenticated {
                return failure;
            }
            let why = format!("{} does not accept this key", self.url);
            failure.reworded(why).hint(
                "check that the whole key was given, and that it is of this server and not revoked; on the server's machine, toolvault key create makes a new one",
            )
        })
    }
}
