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
    ConnectionOptions, DEFAULT_URL, Role, base, first_key_in, header, key_in, policy,
};
use crate::api::{Api, Body};
use crate::config::read_secret_file;
use crate::context::Context;
use crate::environment::{CA_FILE, PROFILE, URL};
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

The key is asked for on a terminal, else read from standard input. TOOLVAULT_URL and TOOLVAULT_API_KEY, if they are set,
are used instead of the profile.")]
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
    let name = match (&options.profile, environment.get(PROFILE)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => {
            parse_name(name).map_err(|why| Failure::refused(format!("{PROFILE}: {why}")))?
        }
        (None, None) => DEFAULT.to_owned(),
    };
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
    let keys = read_keys(options.key_file.as_deref())?;
    let me = check(&url, &policy, &keys.operator, context).await?;
    if let Some(agent) = &keys.agent {
        check(&url, &policy, agent, context).await?;
    }
    let mut profile = Profile::plain(url.to_string(), ca_file, keys);
    keep(&name, &mut profile, options.no_keyring, context).await;
    let is_sealed = profile.is_sealed();
    profiles.set(&name, profile);
    profiles.save()?;
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

/// Puts the keys of a profile into the keyring, if there is one.
pub(super) async fn keep(name: &str, profile: &mut Profile, is_plain: bool, context: &Context<'_>) {
    if is_plain {
        return;
    }
    if cfg!(target_os = "linux") && !context.environment.has_session_bus {
        return;
    }
    if let Err(why) = profile.seal(name).await {
        context.printer.error_line(&format!(
            "warning: the keyring cannot be used ({why}), so the key is kept in the file, which only you can read"
        ));
    }
}

/// The keys in the file or in the input, or one that is asked for.
fn read_keys(file: Option<&Path>) -> anyhow::Result<Keys> {
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
    let operator = key_in(&text, Role::Operator).to_owned();
    if operator.is_empty() {
        return Err(Failure::refused("no key was given")
            .hint("toolvault key create creates one")
            .into());
    }
    Ok(Keys {
        operator,
        agent: first_key_in(&text, Role::Agent).map(str::to_owned),
    })
}

/// Asks the server whose key it is.
async fn check(
    url: &Url,
    policy: &HttpPolicy,
    key: &str,
    context: &Context<'_>,
) -> Result<Me, Failure> {
    let authorization = header("the key", key)?;
    let api = Api::at(url.clone(), policy.clone(), authorization, context.printer)?;
    api.fetch(Method::GET, &api.url(&["me"]), Body::Nothing)
        .await
}
