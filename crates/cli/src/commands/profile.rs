//! `toolvault profile`: the servers at which this user has signed in.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Table;
use crate::profile::{Profile, Profiles};

#[derive(Subcommand)]
#[command(after_help = "\
A profile has a server's URL, your key and the agent's key. toolvault login makes it. Commands use the \
profile that TOOLVAULT_PROFILE names, else the one in use. If TOOLVAULT_API_KEY or \
TOOLVAULT_API_KEY_FILE is set, they use its key and no profile, and refuse TOOLVAULT_PROFILE. A \
profile's key goes to its URL only: another TOOLVAULT_URL is refused.")]
pub(crate) enum ProfileCommand {
    /// List the profiles
    List(ListOptions),
    /// Use a profile from now on
    Use(UseOptions),
    /// Show a profile, without its key
    Show(ShowOptions),
}

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct UseOptions {
    /// Name of the profile
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct ShowOptions {
    /// Name of the profile [default: the one in use]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is told about a profile.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    url: &'a str,
    key_id: Option<&'a str>,
    ca_file: Option<&'a std::path::Path>,
    keyring: bool,
    in_use: bool,
}

impl<'a> Shown<'a> {
    fn of(name: &'a str, profile: &'a Profile, current: Option<&str>) -> Self {
        Self {
            name,
            url: &profile.url,
            key_id: profile.key_id.as_deref(),
            ca_file: profile.ca_file.as_deref(),
            keyring: profile.is_sealed(),
            in_use: current == Some(name),
        }
    }

    const fn place(&self) -> &'static str {
        if self.keyring { "keyring" } else { "file" }
    }
}

pub(crate) fn run(command: &ProfileCommand, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let mut profiles = Profiles::open()?;
    match command {
        ProfileCommand::List(options) => list(&profiles, options, context)?,
        ProfileCommand::Use(options) => {
            profiles.choose(&options.name)?;
            profiles.save()?;
            show(&profiles, &options.name, options.json, context)?;
        }
        ProfileCommand::Show(options) => {
            let named = options.name.as_deref();
            let name = named.or(profiles.current(&context.environment));
            let name = name.ok_or_else(|| {
                Failure::refused("there is no profile in use")
                    .hint("toolvault login makes one, and toolvault profile use chooses one")
            })?;
            show(&profiles, name, options.json, context)?;
        }
    }
    Ok(ExitStatus::Success)
}

fn list(profiles: &Profiles, options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let current = profiles.current(&context.environment);
    let all = profiles.all().iter();
    let shown: Vec<Shown<'_>> = all
        .map(|(name, profile)| Shown::of(name, profile, current))
        .collect();
    if options.json {
        return context.printer.json(&shown);
    }
    let mut table = Table::new(&["NAME", "URL", "KEY", "KEPT IN", "IN USE"]);
    for one in &shown {
        let in_use = if one.in_use { "yes" } else { "no" };
        let key = one.key_id.unwrap_or_default();
        table.row([one.name, one.url, key, one.place(), in_use]);
    }
    let empty = "There are no profiles yet. Make one with: toolvault login";
    Ok(context.printer.table_or(&table, empty)?)
}

fn show(
    profiles: &Profiles,
    name: &str,
    is_json: bool,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let current = profiles.current(&context.environment);
    let shown = Shown::of(name, profiles.get(name)?, current);
    if is_json {
        return context.printer.json(&shown);
    }
    let mut table = Table::plain();
    table.row(["name", shown.name]);
    table.row(["url", shown.url]);
    table.row(["key", shown.key_id.unwrap_or_default()]);
    table.row(["kept in", shown.place()]);
    table.row(["in use", if shown.in_use { "yes" } else { "no" }]);
    Ok(context.printer.table(&table)?)
}
