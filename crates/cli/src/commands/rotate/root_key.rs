//! `toolvault rotate root-key`: wraps the store's keyring with the root key in a file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use toolvault_core::confidential::Key;
use toolvault_vault::{RootKeyError, RootKeySource, SystemEntropy};

use crate::api::Api;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure, with_causes};
use crate::printer::Printer;

#[derive(Args)]
pub(crate) struct RootKeyOptions {
    /// File with the new root key. If it does not exist, it is created with a random key, readable by its owner only
    #[arg(long, value_name = "FILE")]
    new_root_key_file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// The JSON output.
#[derive(Serialize)]
struct Outcome<'a> {
    /// False if the store was under this key already.
    rotated: bool,
    root_key_file: &'a Path,
    /// Whether the file was created.
    created: bool,
}

pub(crate) async fn run(
    options: RootKeyOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let file = options.new_root_key_file.as_path();
    let (rotated, created) = Api::with_store(options.store, context, async |api| {
        // Only now, so that no file is created for a store that cannot be opened.
        let created = !file.exists();
        // The server must be able to read the file when it starts again, also if root runs this command.
        let server = api.served_directory().and_then(owner);
        let key = obtain(file, server).await?;
        if let Some((uid, _)) = server {
            warn_of_other_owner(file, uid, context.printer);
        }
        Ok((api.rotate_root_key(&key).await?, created))
    })
    .await?;
    if options.json {
        context.printer.json(&Outcome {
            rotated,
            root_key_file: file,
            created,
        })?;
    } else {
        say(file, rotated, created, context.printer)?;
    }
    Ok(ExitStatus::Success)
}

/// The key in the file, which is created and on disk before anything depends on it.
async fn obtain(file: &Path, owner: Option<(u32, u32)>) -> Result<Key, Failure> {
    let source = RootKeySource::File(file.to_owned());
    let key = source.load_or_create(&[], &SystemEntropy, owner).await;
    key.map_err(|error| match error {
        RootKeyError::Entropy(_) => Failure::failed(with_causes(&error)),
        _ => Failure::refused(with_causes(&error)),
    })
}

/// The user and the group that it belongs to.
fn owner(path: &Path) -> Option<(u32, u32)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.uid(), found.gid()))
}

fn warn_of_other_owner(file: &Path, uid: u32, printer: &Printer) {
    let Some((own, _)) = owner(file).filter(|(own, _)| *own != uid) else {
        return;
    };
    let file = file.display();
    printer.error_line(&format!(
        "warning: {file} belongs to user {own}, but the server runs as user {uid}; run: chown {uid} {file}"
    ));
}

fn say(file: &Path, rotated: bool, created: bool, printer: &Printer) -> anyhow::Result<()> {
    let shown = file.display();
    if created {
        printer.line(&format!(
            "Created {shown} with a random root key. Back it up."
        ))?;
    }
    if !rotated {
        let line =
            format!("The root key in {shown} opens this store already. Nothing was changed.");
        return Ok(printer.line(&line)?);
    }
    printer.line(&format!(
        "Only the root key in {shown} opens this store from now on."
    ))?;
    printer.line("Running servers go on without a restart, but need this key at their next start: see --root-key-file and [root_key].")?;
    printer.line(
        "Give it to them now, then toolvault doctor says whether their next start will work.",
    )?;
    Ok(
        printer
            .line("Keep the old key as long as you keep earlier backups: only it opens them.")?,
    )
}
