//! `toolvault restore`: makes a store from a backup.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use toolvault_vault::{
    Keys, OpenError, RestoreError, Restored, RootKeySource, Settings, SystemClock, SystemEntropy,
};

use super::backup;
use crate::config::{self, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure, with_causes};
use crate::printer::Printer;
use crate::progress::ProgressLine;
use crate::store::of_open_error;

#[derive(Args)]
pub(crate) struct RestoreOptions {
    /// The backup
    file: PathBuf,
    /// Leave the API keys of the backup valid. Without this they are revoked
    #[arg(long)]
    keep_keys: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// A backup file, and the root key that opens it.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) root_key: RootKeySource,
}

pub(crate) async fn run(
    options: RestoreOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let serve_options = ServeOptions::from(options.store);
    let configuration = config::load(&serve_options, &context.environment, context.printer)?;
    let source = Source {
        file: &options.file,
        root_key: configuration.root_key.source()?,
    };
    let keys = if options.keep_keys {
        Keys::Keep
    } else {
        Keys::Revoke
    };
    let printer = context.printer;
    let restored = source.restore(configuration.vault, keys, printer).await?;
    if options.json {
        let mut report = backup::report(&restored.contents);
        report.insert("file".to_owned(), json!(options.file));
        report.insert("revoked_keys".to_owned(), json!(restored.revoked_keys));
        report.insert("verification".to_owned(), json!(restored.verification));
        printer.json(&report)?;
    } else {
        show(&restored, &options.file, keys, printer)?;
    }
    Ok(if restored.verification.ok {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

impl Source<'_> {
    /// Restores the backup to an empty place.
    pub(super) async fn restore(
        &self,
        settings: Settings,
        keys: Keys,
        printer: &Printer,
    ) -> Result<Restored, Failure> {
        let refused = |error| {
            let file = self.file.display();
            Failure::refused(format!("cannot read {file}: {error}"))
        };
        let file = File::open(self.file).map_err(refused)?;
        if file.metadata().map_err(refused)?.is_dir() {
            return Err(refused(std::io::ErrorKind::IsADirectory.into()));
        }
        let mut progress = ProgressLine::new(printer);
        toolvault_vault::restore(
            settings,
            &self.root_key,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            file,
            keys,
            &mut |done, total| progress.part(done, total, "rows"),
        )
        .await
        .map_err(failure)
    }
}

fn failure(error: RestoreError) -> Failure {
    match error {
        RestoreError::RootKey(error) => of_open_error(&OpenError::RootKey(error)),
        RestoreError::Database(error) => of_open_error(&OpenError::Database(error)),
        RestoreError::Open(ref cause) => {
            let failure = Failure::failed(with_causes(&error));
            match of_open_error(cause).hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        RestoreError::WrongRootKey => Failure::refused(with_causes(&error)).hint(
            "name the root key that the store had when it was backed up with --root-key-file",
        ),
        RestoreError::Format(_) => {
            Failure::refused(with_causes(&error)).hint("nothing was restored; use another backup")
        }
        RestoreError::NotEmpty => Failure::refused(with_causes(&error))
            .hint("name a new directory with --data-dir, or a new database with --database-url"),
        RestoreError::Newer(_)
        | RestoreError::OtherTables(_)
        | RestoreError::NewerTables
        | RestoreError::JournalLeft(_) => Failure::refused(with_causes(&error)),
        _ => Failure::failed(with_causes(&error)),
    }
}

fn show(restored: &Restored, file: &Path, keys: Keys, printer: &Printer) -> anyhow::Result<()> {
    show_faults(restored, printer)?;
    printer.line(&format!("Restored {}.", file.display()))?;
    backup::show(&restored.contents, printer)?;
    let verdict = if restored.verification.ok {
        "The store has exactly these rows, and its audit trail is sound."
    } else {
        "The store has exactly these rows, but it was NOT sound when it was backed up."
    };
    printer.line(verdict)?;
    match keys {
        Keys::Keep => printer.line("The API keys of the backup are valid again.")?,
        Keys::Revoke => {
            let revoked = restored.revoked_keys;
            printer.line(&format!("All API keys are revoked ({revoked} now)."))?;
            printer.error_line(
                "hint: make a new key with: toolvault key create --user NAME --scope SCOPE",
            );
        }
    }
    Ok(())
}

/// What is wrong with the store that was backed up.
pub(super) fn show_faults(restored: &Restored, printer: &Printer) -> anyhow::Result<()> {
    for fault in &restored.verification.faults {
        let (kind, subject, what) = (&fault.kind, &fault.subject, &fault.what);
        printer.line(&format!("fault: {kind} {subject}: {what}"))?;
    }
    Ok(())
}
