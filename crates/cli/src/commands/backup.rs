//! `toolvault backup`: writes the whole store to a file, or checks such a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use toolvault_vault::{Contents, DatabaseLocation, Keys, Settings};

use super::restore::{self, Source};
use crate::api::Api;
use crate::config::{self, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::new_file::NewFile;
use crate::printer::{Printer, Table};
use crate::progress::ProgressLine;
use crate::signals::Signals;

#[derive(Args)]
pub(crate) struct BackupOptions {
    /// File to write; with --check, the backup to check
    file: PathBuf,
    /// Check that the backup can be restored: every row, every key and the audit trail. Nothing is changed
    #[arg(long, conflicts_with = "replace")]
    check: bool,
    /// Replace the file if it exists
    #[arg(long)]
    replace: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(
    options: BackupOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut signals = Signals::begin()?;
    let work = async {
        if options.check {
            check(options, context).await
        } else {
            write(options, context).await
        }
    };
    // What was begun is removed when the work is dropped.
    tokio::select! {
        done = work => done,
        _ = signals.next() => Err(Failure::failed("interrupted; no file was left").into()),
    }
}

async fn write(options: BackupOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let path = options.file;
    if path == Path::new("-") {
        return Err(
            Failure::refused("a backup is not written to standard output")
                .hint("name a file; one called - is ./-")
                .into(),
        );
    }
    let mut file =
        NewFile::begin(&path, options.replace).map_err(|error| refused(&path, &error))?;
    let mut progress = ProgressLine::new(context.printer);
    let flags = options.store.root_key_flags();
    let contents = Api::with_store(options.store, context, async |api| {
        api.back_up(&mut file, &mut progress).await
    })
    .await?;
    drop(progress);
    let bytes = file.bytes();
    file.finish().map_err(|error| refused(&path, &error))?;
    let printer = context.printer;
    if options.json {
        let mut report = report(&contents);
        report.insert("file".to_owned(), json!(path));
        report.insert("bytes".to_owned(), json!(bytes));
        printer.json(&report)?;
    } else {
        let path = path.display();
        printer.line(&format!("Wrote {path}, {bytes} bytes."))?;
        show(&contents, printer)?;
        printer.error_line(&format!(
            "hint: only the root key opens it; keep that elsewhere, and check the backup with: toolvault backup --check {path}{flags}"
        ));
    }
    Ok(ExitStatus::Success)
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::refused(format!("{path} exists")).hint("name another file, or pass --replace")
        }
        std::io::ErrorKind::StorageFull => Failure::failed(format!("cannot write {path}: {error}")),
        _ => Failure::refused(format!("cannot write {path}: {error}")),
    }
}

/// Restores the backup to a directory that is removed afterwards.
async fn check(options: BackupOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let serve_options = ServeOptions::from(options.store);
    let configuration = config::load(&serve_options, &context.environment, context.printer)?;
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::failed(format!("cannot make a temporary directory: {error}")))?;
    let source = Source {
        file: &options.file,
        root_key: configuration.root_key.source()?,
    };
    let place = DatabaseLocation::Directory(scratch.path().join("data"));
    let restored = source
        .restore(Settings::new(place), Keys::Keep, context.printer)
        .await?;
    let is_sound = restored.verification.ok;
    if options.json {
        let mut report = report(&restored.contents);
        report.insert("ok".to_owned(), json!(is_sound));
        report.insert("faults".to_owned(), json!(restored.verification.faults));
        context.printer.json(&report)?;
    } else {
        restore::show_faults(&restored, context.printer)?;
        let verdict = if is_sound {
            "The backup is sound and can be restored."
        } else {
            "The backup can be restored, but the store was NOT sound when it was made."
        };
        context.printer.line(verdict)?;
        show(&restored.contents, context.printer)?;
    }
    Ok(if is_sound {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

/// What a backup contains, as a table.
pub(super) fn show(contents: &Contents, printer: &Printer) -> anyhow::Result<()> {
    let mut table = Table::plain();
    table.row(["made at", &contents.created_at.whole_second().to_string()]);
    table.row(["made on", &contents.engine]);
    for (name, rows) in counts(contents) {
        table.row([&name.replace('_', " "), &rows.to_string()]);
    }
    table.row(["audit head", &contents.audit_head]);
    Ok(printer.table(&table)?)
}

/// What a backup contains, as JSON.
pub(super) fn report(contents: &Contents) -> Map<String, Value> {
    let texts = [
        ("created_at", json!(contents.created_at)),
        ("version", json!(contents.version)),
        ("engine", json!(contents.engine)),
        ("audit_head", json!(contents.audit_head)),
    ];
    let numbers = counts(contents).map(|(name, rows)| (name, json!(rows)));
    let members = texts.into_iter().chain(numbers);
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn counts(contents: &Contents) -> [(&'static str, i64); 6] {
    [
        ("users", contents.rows("users")),
        ("keys", contents.rows("api_keys")),
        ("secrets", contents.rows("secrets")),
        ("versions", contents.rows("secret_versions")),
        ("audit_records", contents.audit_records),
        ("audit_pages", contents.audit_pages),
    ]
}
