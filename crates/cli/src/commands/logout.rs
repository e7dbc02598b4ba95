//! `toolvault logout`: forgets a profile and its keys, and revokes those that were made for it.

use clap::Args;
use serde_json::json;
use toolvault_gateway::http::Url;

use crate::api::Api;
use crate::api::connection::{base, header, policy};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::profile::{Profile, Profiles};

#[derive(Args)]
#[command(after_help = "\
A key that you approved in the browser is revoked at the server. Other keys still work.")]
pub(crate) struct LogoutOptions {
    /// Name of the profile [default: the one in use]
    name: Option<String>,
    /// Only remove the profile, and revoke no key
    #[arg(long)]
    keep_key: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    options: &LogoutOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut profiles = Profiles::open()?;
    let named = options.name.as_deref();
    let name = named.or(profiles.current(&context.environment));
    let name = name.ok_or_else(|| {
        Failure::refused("there is no profile in use")
            .hint("toolvault profile list shows them, and toolvault logout NAME removes one")
    })?;
    let name = name.to_owned();
    let mut revoked = Vec::new();
    if !options.keep_key {
        revoked = revoke(&name, profiles.get(&name)?, context).await?;
    }
    let removed = profiles.discard(&name, context).await?;
    if options.json {
        context.printer.json(&json!({
            "profile": name, "url": removed.url, "key_id": removed.key_id, "revoked": revoked,
        }))?;
        return Ok(ExitStatus::Success);
    }
    context
        .printer
        .line(&format!("Removed the profile {name} ({}).", removed.url))?;
    if let Some(id) = removed.key_id {
        context.printer.line(&if revoked.contains(&id) {
            "Its key is revoked.".to_owned()
        } else {
            format!("Its key still works. To end it, run on the server's machine: toolvault key revoke {id}")
        })?;
    }
    Ok(ExitStatus::Success)
}

/// Revokes the keys that were made for a profile, each with itself. Returns their public parts.
async fn revoke(
    name: &str,
    profile: &Profile,
    context: &Context<'_>,
) -> Result<Vec<String>, Failure> {
    if profile.made.is_empty() {
        return Ok(Vec::new());
    }
    let remain = |failure: Failure| {
        let why = format!("the key of the profile '{name}' could not be revoked: {failure}");
        failure.reworded(why).hint(format!(
            "try again, or only remove the profile with: toolvault logout {name} --keep-key"
        ))
    };
    let keys = profile.keys(name).await.map_err(remain)?;
    let policy = policy(profile.ca_file.clone());
    let url: Url = base(&format!("profile '{name}'"), &profile.url, &policy)?;
    let made = profile.made.iter();
    let mut revoked = Vec::new();
    for (id, key) in made.filter_map(|id| Some((id, keys.with_id(id)?))) {
        let authorization = header("the key", key)?;
        let (url, policy) = (url.clone(), policy.clone());
        let api = Api::at(url, policy, Some(authorization), context.printer)?;
        api.revoke_itself(key).await.map_err(remain)?;
        revoked.push(id.clone());
    }
    Ok(revoked)
}
