//! The file of a client: which servers are in it, and putting others in their place.
//!
//! [`json`] reads the files of most clients, [`codex`] the TOML file of Codex. Everything else in a file stays byte for byte.

mod codex;
mod json;
mod plain;

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use toolvault_core::confidential::Wiped;

use super::client::{Folder, Kind, Surroundings};
use super::given::Given;
use super::left::{Left, Text};
use super::rewrite::Replacement;
use crate::failure::Failure;
use crate::replace::{not_regular, replace};

/// The largest file, in bytes. `~/.claude.json` also holds what the client remembers of each project.
const LARGEST_FILE: u64 = 64 << 20;
/// What editors on Windows put before a text. It is kept.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A client's file.
pub(super) struct Document {
    path: PathBuf,
    kind: Kind,
    home: Option<PathBuf>,
    text: Text,
    form: Form,
}

enum Form {
    Json(json::File),
    Codex(codex::File),
}

/// One server in it.
pub(super) struct Entry {
    /// What the client calls it.
    pub(super) name: String,
    pub(super) given: Result<Given, Left>,
    pub(super) surroundings: Surroundings,
    place: Place,
}

/// Where a server is in the file.
enum Place {
    Json(json::Place),
    /// The name of its table.
    Codex(String),
}

impl Document {
    /// Reads a client's file. `home` is the user's.
    pub(super) fn read(path: &Path, home: Option<PathBuf>) -> Result<Self, Failure> {
        let shown = path.display();
        let text = read(path).map_err(|error| {
            let failure = Failure::refused(format!("cannot read {shown}: {error}"));
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => failure.not_found(),
                _ => failure,
            }
        })?;
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let form = if is_toml {
            Form::Codex(codex::File::parse(unmarked(&text), path)?)
        } else {
            Form::Json(json::File::parse(&text, path)?)
        };
        let names = match &form {
            Form::Json(file) => file.names(),
            Form::Codex(_) => vec![codex::TABLE.to_owned()],
        };
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            path: path.to_owned(),
            kind: Kind::of(&absolute, &names),
            home,
            text,
            form,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Every server in it, in order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let surroundings = Surroundings {
            kind: self.kind,
            folder: Folder::of(self.kind, &absolute, self.home.as_deref()),
            home: self.home.clone(),
        };
        match &self.form {
            Form::Json(file) => file.entries(&surroundings),
            Form::Codex(file) => file.entries(&surroundings),
        }
    }

    /// The text with other servers in the places of some.
    pub(super) fn with(&self, replacements: &[(&Entry, Replacement<'_>)]) -> Result<Text, Failure> {
        match &self.form {
            Form::Json(file) => {
                let changes =
                    replacements
                        .iter()
                        .filter_map(|(entry, replacement)| match &entry.place {
                            Place::Json(place) => Some((place, replacement)),
                            Place::Codex(_) => None,
                        });
                Ok(file.with(&self.text, changes))
            }
            Form::Codex(file) => {
                let changes =
                    replacements
                        .iter()
                        .filter_map(|(entry, replacement)| match &entry.place {
                            Place::Codex(name) => Some((name.as_str(), replacement)),
                            Place::Json(_) => None,
                        });
                let new = file.with(changes)?;
                let is_crlf = self.text.contains("\r\n");
                let mark = self
                    .text
                    .strip_prefix(BYTE_ORDER_MARK)
                    .map_or("", |_| BYTE_ORDER_MARK);
                let new = if is_crlf {
                    Wiped::new(new.replace("\r\n", "\n").replace('\n', "\r\n"))
                } else {
                    new
                };
                Ok(Wiped::new([mark, &new].concat()))
            }
        }
    }

    /// Replaces the file.
    pub(super) fn save(&self, new: &str) -> Result<(), Failure> {
        replace(&self.path, Some(self.text.as_bytes()), new.as_bytes()).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", self.path.display()))
        })
    }

    /// Keeps what it holds in a new file beside it, and returns which.
    pub(super) fn keep(&self) -> Result<PathBuf, Failure> {
        let path = crate::config::beside(&self.path, ".before-toolvault");
        replace(&path, None, self.text.as_bytes()).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        })?;
        Ok(path)
    }
}

/// The text of a regular file of bounded size.
fn read(path: &Path) -> io::Result<Text> {
    // Opening a pipe waits for a writer otherwise.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    // Room for all of it, so that no growing leaves a copy behind.
    let room = metadata.len().min(LARGEST_FILE) + 1;
    let mut text = Wiped::new(String::with_capacity(
        usize::try_from(room).unwrap_or_default(),
    ));
    file.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "it has more than 64 MiB",
        ));
    }
    Ok(text)
}

fn unmarked(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}
