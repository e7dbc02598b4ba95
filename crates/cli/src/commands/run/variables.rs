//! The variables to set: their names, and references or plain text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use toolvault_core::confidential::Wiped;
use toolvault_core::reference::Reference;

use crate::api::Api;
use crate::api::resolve::{Completed, Wanted, resolve};
use crate::environment::PREFIX;
use crate::failure::Failure;
use crate::harmless::require_harmless;

/// What a file says that has more.
const ONE_LINE: &str = "a value has one line";

/// What the caller asks for.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) references: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
    /// The only variables to set; all if it is empty.
    only: Vec<String>,
}

/// What the command gets.
pub(super) struct Filled {
    pub(super) values: BTreeMap<String, Wiped<String>>,
    /// The confidential ones, each with the name of its secret.
    pub(super) confidential: Vec<(String, Wiped<String>)>,
}

impl Filled {
    /// Variables without any reference.
    pub(super) fn plain(variables: Variables) -> Self {
        let texts = variables.texts.into_iter();
        Self {
            values: texts.map(|(name, text)| (name, Wiped::new(text))).collect(),
            confidential: Vec::new(),
        }
    }
}

impl Variables {
    /// Reads `--env` and the file. What `--env` sets wins.
    pub(super) fn read(options: &[String], file: Option<&Path>) -> Result<Self, Failure> {
        let mut variables = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::refused(format!("cannot read {}: {error}", path.display()))
            })?;
            for (number, line) in (1..).zip(text.lines()) {
                variables.add_line(line).map_err(|why| {
                    Failure::refused(format!("{}:{number}: {why}", path.display()))
                })?;
            }
        }
        for option in options {
            let read = variable(option).and_then(|(name, text)| {
                require_harmless(name)?;
                Reference::parse(text).map_err(|why| format!("{name}: {why}"))?;
                Ok((name, text))
            });
            let (name, text) = read.map_err(|why| Failure::refused(format!("--env: {why}")))?;
            variables.add(name, text, true);
        }
        Ok(variables)
    }

    /// Drops all variables but these, also of what a tool's defaults give. None means all.
    pub(super) fn keep_only(&mut self, names: &[String]) {
        if !names.is_empty() {
            self.references.retain(|name, _| names.contains(name));
            self.texts.retain(|name, _| names.contains(name));
            names.clone_into(&mut self.only);
        }
    }

    /// Reads a line of a file: NAME=VALUE, with or without `export` and quotes; or a comment. An error repeats nothing
    /// of the line but a name, because the line may be a part of a value, or the file one that was not meant.
    fn add_line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (name, text) = variable(line.strip_prefix("export ").unwrap_or(line))
            .map_err(|why| format!("{why}; {ONE_LINE}"))?;
        let text = unquoted(text.trim())?;
        let is_reference = Reference::is_spelled_in(text);
        if is_reference {
            require_harmless(name)?;
            Reference::parse(text).map_err(|_| {
                format!("{name} names a secret, but not as its whole value, as in {name}=secret://github")
            })?;
        }
        self.add(name, text, is_reference);
        Ok(())
    }

    fn add(&mut self, name: &str, text: &str, is_reference: bool) {
        self.references.remove(name);
        self.texts.remove(name);
        let kind = if is_reference {
            &mut self.references
        } else {
            &mut self.texts
        };
        kind.insert(name.to_owned(), text.to_owned());
    }

    /// Resolves the references; with `tool`, also what its defaults give. All of them or none.
    pub(super) async fn fill(
        self,
        api: &Api<'_>,
        tool: Option<&str>,
        own_tool: &str,
    ) -> Result<Filled, Failure> {
        let accepts = match tool {
            None => Some(self.references.keys().map(String::as_str).collect()),
            Some(_) if self.only.is_empty() => None,
            Some(_) => Some(self.only.iter().map(String::as_str).collect()),
        };
        let wanted = Wanted {
            bindings: &self.references,
            accepts,
        };
        let completed = resolve(api, tool.unwrap_or(own_tool), &wanted).await?;
        let mut filled = Filled::plain(self);
        filled.add(completed)?;
        Ok(filled)
    }
}

impl Filled {
    fn add(&mut self, completed: Completed) -> Result<(), Failure> {
        let mut values = BTreeMap::new();
        for (name, value) in completed.args {
            if !is_name(&name) {
                let why = format!("'{name}' is not the name of a variable");
                return Err(Failure::refused(why));
            }
            require_not_ours(&name)
                .and_then(|()| require_harmless(&name))
                .map_err(Failure::refused)?;
            let Value::String(text) = value else {
                let why =
                    format!("the secret for {name} fills a member of an argument, not a whole one");
                return Err(Failure::refused(why).hint(
                    "use a default whose argument is the variable's name, or --env without --tool",
                ));
            };
            values.insert(name, Wiped::new(text));
        }
        let secrets = completed.applied.iter().filter(|applied| applied.redact);
        let confidential: BTreeSet<_> = secrets
            .filter_map(|applied| Some((applied.secret_name.clone(), values.get(&applied.arg)?)))
            .map(|(name, value)| (name, value.as_str().to_owned()))
            .collect();
        self.confidential = confidential
            .into_iter()
            .map(|(name, value)| (name, Wiped::new(value)))
            .collect();
        self.values.extend(values);
        Ok(())
    }
}

/// The name and the text of `NAME=TEXT`.
fn variable(text: &str) -> Result<(&str, &str), String> {
    let (name, text) = text
        .split_once('=')
        .ok_or("a variable is written NAME=REFERENCE")?;
    if !is_name(name) {
        return Err("what is before the '=' is not the name of a variable".to_owned());
    }
    require_not_ours(name)?;
    Ok((name, text))
}

/// A text without the quotes around it, and without a comment behind them.
fn unquoted(text: &str) -> Result<&str, String> {
    let Some(quote) = text.chars().next().filter(|first| "\"'".contains(*first)) else {
        return Ok(text);
    };
    let inner = text.get(1..).unwrap_or_default();
    let Some((value, behind)) = inner.split_once(quote) else {
        return Err(format!("a quote is not closed; {ONE_LINE}"));
    };
    if behind.is_empty() || behind.trim_start().starts_with('#') {
        return Ok(value);
    }
    // JSON, for example.
    inner
        .strip_suffix(quote)
        .ok_or_else(|| "there is text after a closing quote".to_owned())
}

fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && name.bytes().all(is_word)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn require_not_ours(name: &str) -> Result<(), String> {
    if name.starts_with(PREFIX) {
        return Err(format!(
            "{name} is a variable of Toolvault, which the command does not get"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
