//! `toolvault rotate user-keys`: gives each user a new key, in portions.

use clap::Args;
use serde::Serialize;
use toolvault_core::identity::UserId;

use crate::api::Api;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::progress::ProgressLine;

#[derive(Args)]
pub(crate) struct UserKeysOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// The JSON output.
#[derive(Default, Serialize)]
struct Rotated {
    /// Whether it went on with a rotation that was stopped.
    resumed: bool,
    /// How many users have a new key and no old one.
    users: i64,
    /// How many data keys were wrapped again.
    data_keys: i64,
    /// The users with a row that was changed in the database. They keep their keys.
    left: Vec<UserId>,
}

pub(crate) async fn run(
    options: UserKeysOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let rotated = Api::with_store(options.store, context, async |api| {
        rotate(api, printer)
            .await
            .map_err(|failure| match failure.hint {
                Some(_) => failure,
                None => failure.hint("run it again: it continues where it stopped"),
            })
    })
    .await?;
    if options.json {
        printer.json(&rotated)?;
    } else {
        say(&rotated, printer)?;
    }
    Ok(if rotated.left.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

async fn rotate(api: &Api<'_>, printer: &Printer) -> Result<Rotated, Failure> {
    let begun = api.begin_user_keys().await?;
    let mut rotated = Rotated {
        resumed: begun.resumed,
        ..Rotated::default()
    };
    let mut line = ProgressLine::new(printer);
    let (mut done, of) = (0, begun.versions);
    let mut position = Some(begun.position);
    while let Some(at) = position {
        let portion = api.continue_user_keys(&at).await?;
        rotated.users += portion.users;
        rotated.data_keys += portion.data_keys;
        rotated.left.extend(portion.left);
        done += portion.versions;
        line.part(done, of, "data keys");
        position = portion.position;
    }
    Ok(rotated)
}

fn say(rotated: &Rotated, printer: &Printer) -> anyhow::Result<()> {
    if rotated.resumed {
        printer.line("Continued a rotation that was stopped.")?;
    }
    let Rotated {
        users, data_keys, ..
    } = rotated;
    printer.line(&format!(
        "New user keys: {users}. Data keys wrapped with them: {data_keys}. The old user keys are destroyed."
    ))?;
    for user in &rotated.left {
        printer.error_line(&format!(
            "error: a row of the user {user} was changed in the database, so their key was kept"
        ));
    }
    if !rotated.left.is_empty() {
        printer.error_line("hint: toolvault audit verify names the rows; restore or delete what it names, then run this again");
    }
    Ok(())
}
