//! The configured values by key, each with its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use toolvault_gateway::ServerName;
use toolvault_gateway::settings::ServerNameError;

use super::flags::ServeOptions;
use super::keys::{self, Kind};
use crate::environment::{Environment, NOT_SETTINGS, ROOT_KEY};

/// The documented defaults: the lowest layer.
pub(super) const DEFAULTS: &str = include_str!("../config.default.toml");

/// The origin of a value. Later ones override earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl Origin {
    /// Of two settings that exclude each other, the one with the higher rank is used.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => path.display().fmt(formatter),
            Self::Variable(name) => formatter.write_str(name),
            Self::Flag(name) => formatter.write_str(name),
        }
    }
}

/// One value. It may be a secret, so it has no `Debug`.
pub(crate) struct Entry {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The effective values, with warnings and problems.
#[derive(Default)]
pub(crate) struct Layers {
    pub(super) entries: BTreeMap<String, Entry>,
    /// The gateway's servers, even those with invalid tables.
    pub(super) servers: BTreeMap<ServerName, Origin>,
    /// The files that were read.
    pub(super) files: Vec<PathBuf>,
    warnings: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl Layers {
    /// The warnings. They name keys and variables, but never values.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The values by key. They may be secrets.
    pub(crate) fn values(self) -> BTreeMap<String, Value> {
        let entries = self.entries.into_iter();
        entries.map(|(key, entry)| (key, entry.value)).collect()
    }

    pub(super) fn add_defaults(&mut self) {
        self.add_table(DEFAULTS, &Origin::Default);
    }

    pub(super) fn add_file(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.files.push(path.to_owned());
                self.add_table(&text, &Origin::File(path.to_owned()));
            }
            Err(error) => {
                let path = path.display();
                let message = format!("cannot read the configuration file {path}: {error}");
                self.problems.push(message);
            }
        }
    }

    pub(super) fn add_environment(&mut self, environment: &Environment) {
        for (variable, text) in environment.iter() {
            if NOT_SETTINGS.contains(&variable) {
                continue;
            }
            let key = keys::of_variable(variable).unwrap_or_default();
            if key.starts_with(keys::SERVERS) {
                self.warnings.push(format!(
                    "{variable} is ignored: servers can be set only in the configuration file"
                ));
                continue;
            }
            let Some(kind) = keys::kind(&key) else {
                let meant = keys::closest(&key).map(|key| keys::variable(&key));
                let meant = did_you_mean(meant);
                self.warnings
                    .push(format!("{variable} is not a variable of toolvault{meant}"));
                continue;
            };
            let origin = Origin::Variable(variable.to_owned());
            match read_text(kind, text) {
                Some(value) => self.set(&key, value, origin),
                None => self.problem(&key, &origin, expectation(kind)),
            }
        }
    }

    pub(super) fn add_flags(&mut self, options: &ServeOptions) {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let store = &options.store;
        let texts = [
            ("listen", "--listen", options.listen.clone()),
            ("data_dir", "--data-dir", path(&store.data_dir)),
            ("database_url", "--database-url", store.database_url.clone()),
            (
                "root_key.file",
                "--root-key-file",
                path(&store.root_key_file),
            ),
            (
                "first_keys_file",
                "--first-keys-file",
                path(&options.first_keys_file),
            ),
            ("tls.certificate", "--tls-cert", path(&options.tls_cert)),
            ("tls.key", "--tls-key", path(&options.tls_key)),
        ];
        for (key, flag, text) in texts {
            if let Some(text) = text {
                self.set(key, Value::String(text), Origin::Flag(flag));
            }
        }
        if options.insecure_http {
            let origin = Origin::Flag("--insecure-http");
            self.set("insecure_http", Value::Boolean(true), origin);
        }
    }

    pub(super) fn set(&mut self, key: &str, value: Value, origin: Origin) {
        self.entries.insert(key.to_owned(), Entry { value, origin });
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Adds a problem with the value of a key, without the value itself.
    pub(super) fn problem(&mut self, key: &str, origin: &Origin, expected: &str) {
        self.problems.push(format!("{key} ({origin}): {expected}"));
    }

    pub(super) fn add_table(&mut self, text: &str, origin: &Origin) {
        match text.parse::<Table>() {
            Ok(table) => self.add_level("", table, origin),
            Err(error) => {
                // The parser's own message quotes the line, which may hold a secret.
                let line = error.span().map_or(0, |span| {
                    let before = text.bytes().take(span.start);
                    before.filter(|&byte| byte == b'\n').count() + 1
                });
                let message = error.message();
                self.problems
                    .push(format!("{origin}, line {line}: {message}"));
            }
        }
    }

    fn add_level(&mut self, prefix: &str, table: Table, origin: &Origin) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            if prefix == keys::SERVERS {
                match (name.parse(), &value) {
                    (Ok(name), Value::Table(_)) => {
                        self.servers.insert(name, origin.clone());
                    }
                    (Ok(_), _) => {
                        self.problem(&key, origin, "expected a table");
                        continue;
                    }
                    (Err(error), _) => {
                        let error: ServerNameError = error;
                        self.problem(&key, origin, &error.to_string());
                        continue;
                    }
                }
            }
            match (value, keys::kind(&key)) {
                (Value::Table(table), _) => self.add_level(&format!("{key}."), table, origin),
                (_, None) => {
                    let meant = did_you_mean(keys::closest(&key));
                    self.warnings.push(format!(
                        "{key} ({origin}) is not a setting of toolvault{meant}"
                    ));
                }
                (_, Some(_)) if key == keys::ROOT_KEY_VALUE => {
                    let advice = format!(
                        "the root key itself can be set only with {ROOT_KEY}; root_key.file names a file with it"
                    );
                    self.problem(&key, origin, &advice);
                }
                (value, Some(kind)) if has_kind(kind, &value) => {
                    self.set(&key, value, origin.clone());
                }
                (_, Some(kind)) => self.problem(&key, origin, expectation(kind)),
            }
        }
    }
}

/// The end of a sentence about a name that nothing has.
fn did_you_mean(name: Option<String>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// The value that a variable's text represents.
fn read_text(kind: Kind, text: &str) -> Option<Value> {
    let as_toml = || {
        let mut table = format!("value = {text}").parse::<Table>().ok()?;
        table.remove("value").filter(|_| table.is_empty())
    };
    let value = match kind {
        Kind::Integer => Value::Integer(text.trim().parse().ok()?),
        Kind::Boolean => Value::Boolean(text.trim().parse().ok()?),
        // A list in TOML syntax, or items separated by commas.
        Kind::Command | Kind::Table => return None,
        Kind::Texts | Kind::TextOrTexts if text.trim_start().starts_with('[') => as_toml()?,
        Kind::Texts => Value::Array(
            text.split(',')
                .map(|item| Value::String(item.trim().to_owned()))
                .collect(),
        ),
        Kind::Text | Kind::Secret | Kind::SecretFile | Kind::TextOrTexts => {
            Value::String(text.to_owned())
        }
    };
    has_kind(kind, &value).then_some(value)
}

fn has_kind(kind: Kind, value: &Value) -> bool {
    let is_texts = |value: &Value| {
        let items = value.as_array();
        items.is_some_and(|items| items.iter().all(Value::is_str))
    };
    match kind {
        Kind::Text | Kind::Secret | Kind::SecretFile => value.is_str(),
        Kind::Integer => value.is_integer(),
        Kind::Boolean => value.is_bool(),
        Kind::Texts | Kind::Command => is_texts(value),
        // The texts of a table have their own keys.
        Kind::Table => false,
        Kind::TextOrTexts => value.is_str() || is_texts(value),
    }
}

const fn expectation(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Secret | Kind::SecretFile => "expected a text",
        Kind::Integer => "expected a whole number",
        Kind::Boolean => "expected true or false",
        Kind::Texts => "expected a list of texts",
        Kind::TextOrTexts => "expected a text or a list of texts",
        Kind::Command => "expected a list of texts: a program and its arguments",
        Kind::Table => "expected a table of texts",
    }
}
