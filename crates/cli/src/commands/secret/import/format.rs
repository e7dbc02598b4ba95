//! Reads a file of secrets in any of the formats.

use std::io::{self, Read as _};
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;
use toolvault_core::confidential::Wiped;

use super::{dotenv, exports};
use crate::failure::Failure;

const LARGEST_FILE: usize = 4 << 20;
pub(super) const MOST_ENTRIES: usize = 1_000;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Dotenv,
    Json,
    Yaml,
}

/// A name and its value in a file.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Wiped<String>,
    /// Whether the file says that it is confidential. Otherwise its name and look decide.
    pub(super) is_secret: bool,
    /// Whether it is a text. A number in the file may have lost digits.
    pub(super) is_text: bool,
}

/// The entries of a file, in their order.
pub(super) fn read(path: &Path, format: Option<Format>) -> Result<Vec<Entry>, Failure> {
    let shown = path.display();
    let text =
        read_text(path).map_err(|why| Failure::refused(format!("cannot read {shown}: {why}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let format = format.unwrap_or_else(|| guess(path, text));
    let entries = match format {
        Format::Dotenv => dotenv::parse(text),
        Format::Json => serde_json::from_str(text)
            // The parser's own message is without the text.
            .map_err(|error: serde_json::Error| format!("line {}: it is not JSON", error.line()))
            .and_then(|document: Value| exports::entries(document)),
        Format::Yaml => yaml(text).and_then(exports::entries),
    };
    let entries = entries.map_err(|why| {
        Failure::refused(format!("{shown}: {why}"))
            .hint("--format says how the file is written: dotenv, json or yaml")
    })?;
    if entries.len() > MOST_ENTRIES {
        return Err(Failure::refused(format!(
            "{shown} has more than {MOST_ENTRIES} entries"
        )));
    }
    Ok(entries)
}

fn read_text(path: &Path) -> Result<Wiped<String>, String> {
    let input: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(|error| error.to_string())?)
    };
    // Room for all that is accepted, so that no growing leaves a copy behind.
    let mut bytes = Wiped::new(Vec::with_capacity(LARGEST_FILE + 1));
    input
        .take(LARGEST_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() > LARGEST_FILE {
        return Err("it has more than 4 MiB".to_owned());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    Ok(Wiped::new(text.to_owned()))
}

fn guess(path: &Path, text: &str) -> Format {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending {
        Some("json") => Format::Json,
        Some("yaml" | "yml") => Format::Yaml,
        _ if text.trim_start().starts_with(['{', '[']) => Format::Json,
        _ => Format::Dotenv,
    }
}

fn yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        format!("line {line}: it is not YAML")
    })
}
