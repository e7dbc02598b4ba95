//! Profiles: servers at which this user has signed in, each with its URL and its keys.
//!
//! They are in one file that only its owner can read, and that the sandbox of the gateway hides from programs. If the
//! operating system has a keyring ([`keyring`]), the file has the API keys in sealed form, and the keyring the key that
//! opens them. So neither a copy of the file nor a program that reaches the keyring, but not the file, gets an API key.

mod kept;
mod keyring;
mod sealed;

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toolvault_core::api_key::ApiKey;
use toolvault_core::confidential::Wiped;

use crate::config;
use crate::environment::{Environment, PROFILE};
use crate::failure::Failure;
use crate::replace::replace;
use crate::store::own_uid;

/// The name of a profile that is not given another.
pub(crate) const DEFAULT: &str = "default";
const LARGEST_FILE: u64 = 1 << 20;
const LONGEST_NAME: usize = 64;
const HEADING: &str =
    "# Written by toolvault login. It holds API keys: only its owner may read it.\n\n";

/// The file with all profiles.
pub(crate) struct Profiles {
    path: PathBuf,
    before: Option<Wiped<String>>,
    content: Content,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The name of the profile in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// A server and how to sign in there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The public part of the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    /// The public parts of those API keys that were made for this profile, and end with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) made: Vec<String>,
    /// The API keys, if a key in the keyring opens them.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
    /// The API keys, on a machine without a keyring.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Keys>,
}

/// Keys that are encrypted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// The name of the keyring's entry with the key that opens them.
    entry: String,
    keys: String,
}

/// The API keys of a profile.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// To manage secrets and keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator: Option<String>,
    /// To call tools through the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<String>,
}

impl Keys {
    /// The key with this public part.
    pub(crate) fn with_id(&self, id: &str) -> Option<&str> {
        let all = [self.operator.as_deref(), self.agent.as_deref()];
        all.into_iter()
            .flatten()
            .find(|key| ApiKey::parse(key).is_some_and(|key| key.id().as_str() == id))
    }
}

impl Profiles {
    /// Reads the file, which need not exist.
    pub(crate) fn open() -> Result<Self, Failure> {
        let path = config::profiles_path().ok_or_else(|| {
            Failure::refused("there is no home directory, so there is no file for profiles")
        })?;
        let Some(text) = read(&path)? else {
            return Ok(Self {
                path,
                before: None,
                content: Content::default(),
            });
        };
        // The parser's own message quotes the line, which may hold a key.
        let content = toml::from_str(&text).map_err(|_| {
            Failure::refused(format!("{} is not a file of profiles", path.display()))
                .hint("delete it, and sign in again with: toolvault login")
        })?;
        Ok(Self {
            path,
            before: Some(text),
            content,
        })
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> &BTreeMap<String, Profile> {
        &self.content.profiles
    }

    /// The name of the profile in use: the variable's, else the one that was chosen.
    pub(crate) fn current<'a>(&'a self, environment: &'a Environment) -> Option<&'a str> {
        environment.get(PROFILE).or(self.content.current.as_deref())
    }

    /// The profile of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Profile, Failure> {
        let known = self.content.profiles.get(name);
        known.ok_or_else(|| {
            Failure::refused(format!("there is no profile '{name}'"))
                .hint("toolvault profile list shows them, and toolvault login makes one")
        })
    }

    /// Adds a profile, or replaces the one of this name, and uses it from now on.
    fn set(&mut self, name: &str, profile: Profile) {
        self.content.profiles.insert(name.to_owned(), profile);
        self.content.current = Some(name.to_owned());
    }

    /// Uses this profile from now on.
    pub(crate) fn choose(&mut self, name: &str) -> Result<(), Failure> {
        self.get(name)?;
        self.content.current = Some(name.to_owned());
        Ok(())
    }

    /// Forgets a profile.
    pub(crate) fn remove(&mut self, name: &str) -> Result<Profile, Failure> {
        self.get(name)?;
        if self.content.current.as_deref() == Some(name) {
            self.content.current = None;
        }
        let removed = self.content.profiles.remove(name);
        removed.ok_or_else(|| Failure::failed("the profile is gone"))
    }

    /// Writes the file, unless another process has changed it.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let cannot = |why: &dyn std::fmt::Display| {
            Failure::failed(format!("cannot write {}: {why}", self.path.display()))
        };
        let text = toml::to_string(&self.content).map_err(|error| cannot(&error))?;
        let text = Wiped::new(format!("{HEADING}{}", Wiped::new(text).as_str()));
        let before = self.before.as_ref().map(|text| text.as_bytes());
        replace(&self.path, before, text.as_bytes()).map_err(|error| cannot(&error))
    }
}

impl Profile {
    /// A profile that keeps its keys in this file.
    pub(crate) fn plain(url: String, ca_file: Option<PathBuf>, keys: Keys) -> Self {
        let key = keys.operator.as_ref().or(keys.agent.as_ref());
        let key = key.and_then(|key| ApiKey::parse(key));
        Self {
            url,
            ca_file,
            key_id: key.map(|key| key.id().as_str().to_owned()),
            made: Vec::new(),
            sealed: None,
            keys: Some(keys),
        }
    }

    /// Whether the keyring is needed to read its keys.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }
}

/// The profile in use, with its name.
pub(crate) fn in_use(environment: &Environment) -> Result<Option<(String, Profile)>, Failure> {
    let mut profiles = Profiles::open()?;
    let Some(name) = profiles.current(environment).map(str::to_owned) else {
        return Ok(None);
    };
    let profile = profiles.remove(&name)?;
    Ok(Some((name, profile)))
}

/// Whether a text can be the name of a profile.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a name has 1 to {LONGEST_NAME} letters, digits, '-', '_' and '.'"
        ))
    }
}

/// The content of the file; `None` if there is none. One that others can read or write is refused.
fn read(path: &Path) -> Result<Option<Wiped<String>>, Failure> {
    let shown = path.display();
    let cannot = |error: &io::Error| Failure::refused(format!("cannot read {shown}: {error}"));
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    // Of the open file, which nothing can exchange any more.
    let found = file.metadata().map_err(|error| cannot(&error))?;
    if !found.is_file() || found.uid() != own_uid() {
        return Err(
            Failure::refused(format!("{shown} is not a file of your own"))
                .hint("move it away, and sign in again with: toolvault login"),
        );
    }
    if found.mode() & 0o077 != 0 {
        return Err(Failure::refused(format!("{shown} can be read or changed by others"))
            .hint(format!(
                "run: chmod 600 '{shown}'; if others may have read it, replace its keys with: toolvault key rotate"
            )));
    }
    let mut text = Wiped::new(String::new());
    file.take(LARGEST_FILE)
        .read_to_string(&mut text)
        .map_err(|error| cannot(&error))?;
    Ok(Some(text))
}
