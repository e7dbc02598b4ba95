//! Names of secrets for completions. A shell asks for them at each press of the key, so nothing is said but names, and
//! there is no waiting for a server that does not answer.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Command};
use serde::Deserialize;
use toolvault_gateway::http::Method;

use crate::api::connection::ConnectionOptions;
use crate::api::{Api, Body, List};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};

const PATIENCE: Duration = Duration::from_secs(1);
/// The most secrets that are looked at.
const MOST: &str = "1000";
/// The name of the command that prints them.
pub(crate) const COMMAND: &str = "__secret-names";

#[derive(Args)]
pub(crate) struct NamesOptions {
    /// How they begin
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
}

pub(crate) async fn run(
    options: &NamesOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let asked = tokio::time::timeout(PATIENCE, find(&options.text, context));
    for name in asked
        .await
        .map_or_else(|_| BTreeSet::new(), Result::unwrap_or_default)
    {
        context.printer.line(&name)?;
    }
    Ok(ExitStatus::Success)
}

async fn find(text: &str, context: &Context<'_>) -> Result<BTreeSet<String>, Failure> {
    #[derive(Deserialize)]
    struct Named {
        secret_name: String,
    }
    let api = Api::connect(&ConnectionOptions::default(), context).await?;
    let mut url = api.url(&["secrets", ""]);
    url.query_pairs_mut()
        .append_pair("limit", MOST)
        .extend_pairs((!text.is_empty()).then_some(("q", text)));
    let list: List<Named> = api.fetch(Method::GET, &url, Body::Nothing).await?;
    let names = list.data.into_iter().map(|named| named.secret_name);
    Ok(names
        .filter(|name| name.starts_with(text) && is_plain(name))
        .collect())
}

/// Whether a shell reads the name as one word and as nothing else. Other names are not proposed: bash puts them into the
/// command line as they are.
fn is_plain(name: &str) -> bool {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./+,%".contains(character);
    !name.starts_with('-') && name.chars().all(is_plain)
}

/// The subcommands of `secret` whose first argument is a secret.
pub(super) fn takers(toolvault: &Command) -> Vec<&str> {
    let secret = toolvault.find_subcommand("secret");
    let commands = secret.into_iter().flat_map(Command::get_subcommands);
    let takes = |command: &&Command| {
        let first = command.get_positionals().next();
        let help = first.and_then(|argument| argument.get_help());
        help.is_some_and(|help| help.to_string() == "Name or ID of the secret")
    };
    commands.filter(takes).map(Command::get_name).collect()
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_name_that_a_shell_would_read_as_more_is_not_proposed() {
        for name in ["github", "a-b_c.d/e+f,g%h", "gröÞe"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "-rf",
            "a b",
            "a;b",
            "$(id)",
            "`id`",
            "a*",
            "~a",
            "a'b",
            "a\"b",
            "a\\b",
            "a\nb",
            "{a,b}",
            "a:b",
            "a=b",
            "!1",
            "#a",
            "a|b",
            "a&b",
            "<a",
            "\u{202e}a",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
