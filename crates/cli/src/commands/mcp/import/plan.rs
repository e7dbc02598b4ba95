//! What becomes of one server of a client: a table of ours, and the secrets that were in it.

mod containers;
mod folder;
mod remote;
mod url;

use std::path::Path;

use toolvault_core::reference::Reference;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::{HeaderName, Url};

use super::client::Surroundings;
use super::document::Entry;
use super::given::Given;
use super::left::{Left, Text};
use crate::commands::mcp::file::absolute_program;
use crate::config::{ServerTable, is_reserved_header};
use crate::credential;

/// How one server is taken over.
pub(super) struct Plan {
    pub(super) name: ServerName,
    pub(super) table: ServerTable,
    pub(super) secrets: Vec<PlannedSecret>,
}

/// A credential that is in a client's file, or in a variable of the client.
#[derive(PartialEq, Eq)]
pub(super) struct PlannedSecret {
    pub(super) name: String,
    /// The argument that it is bound to.
    pub(super) argument: String,
    pub(super) value: SecretValue,
}

#[derive(PartialEq, Eq)]
pub(super) enum SecretValue {
    Literal(Text),
    /// The client takes it from this variable, so it is not in the file.
    Variable(String),
}

/// The plan for one server. `gateway` is what the URLs of those begin with that were taken over before.
pub(super) fn plan(entry: &Entry, gateway: &str) -> Result<Plan, Left> {
    let given = entry.given.as_ref().map_err(Left::clone)?;
    let surroundings = &entry.surroundings;
    let name = name(&entry.name).ok_or("its name has no letter and no digit")?;
    let mut plan = Plan {
        name,
        table: ServerTable::default(),
        secrets: Vec::new(),
    };
    match given {
        Given::Remote { url, .. } if url.starts_with(gateway) => return Err(Left::Done),
        Given::Remote { url, headers } => {
            plan.set_url(url, surroundings)?;
            plan.set_headers(headers, surroundings)?;
        }
        Given::Program { words, .. } if is_our_own(words) => return Err(Left::Done),
        Given::Program {
            words,
            env,
            directory,
        } => {
            if let Some(remote) = remote::Remote::of(words, env, surroundings)? {
                plan.set_url(&remote.url, surroundings)?;
                plan.set_headers(&remote.headers, surroundings)?;
            } else {
                plan.set_program(words, env.clone(), surroundings)?;
                let folder =
                    folder::directory(&plan.table.command, directory.as_ref(), surroundings)?;
                if let Some(folder) = &folder {
                    absolute_program(&mut plan.table.command, Path::new(folder));
                }
                plan.table.directory = folder;
            }
        }
    }
    Ok(plan)
}

impl Plan {
    /// What stays in clear: the settings by their arguments, without values.
    pub(super) fn settings(&self) -> Vec<String> {
        let literal = |text: &str| !Reference::is_spelled_in(text);
        let of = |kind: &str, pairs: &[(String, String)]| {
            let pairs = pairs.iter().filter(|(_, text)| literal(text));
            pairs
                .map(|(name, _)| format!("{kind}.{name}"))
                .collect::<Vec<_>>()
        };
        [
            of("headers", &self.table.headers),
            of("env", &self.table.env),
        ]
        .concat()
    }

    /// What runs, or where it connects to.
    pub(super) fn target(&self) -> String {
        let table = &self.table;
        if let Some(url) = &table.url {
            // A template is a URL too. Its path and query may hold what was not recognised as a key.
            let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
            return format!("connects to {}", origin.unwrap_or_default());
        }
        let words: Vec<String> = table.command.iter().map(|word| shown(word)).collect();
        let folder = table.directory.as_deref().map(shown);
        let place = folder.map(|folder| format!(", in {folder}"));
        format!("runs {}{}", words.join(" "), place.unwrap_or_default())
    }

    fn set_url(&mut self, address: &str, surroundings: &Surroundings) -> Result<(), Left> {
        let address = filled_in(address, surroundings)?;
        let mut parts = url::parts(&address)?;
        for (name, value) in std::mem::take(&mut parts.credentials) {
            self.add(&name, "url".to_owned(), SecretValue::Literal(value))?;
        }
        let server = self.name.as_str();
        self.table.url = Some(parts.template(|name| reference(&secret_name(server, name))));
        self.table.allow_private_network = parts.is_private;
        Ok(())
    }

    fn set_headers(
        &mut self,
        headers: &[(String, Text)],
        surroundings: &Surroundings,
    ) -> Result<(), Left> {
        for (name, value) in headers {
            let Ok(parsed) = name.parse::<HeaderName>() else {
                return Err("the name of one of its headers is invalid".into());
            };
            // The gateway sets the headers of the protocol itself.
            if is_reserved_header(&parsed) {
                continue;
            }
            let bare = credential::without_scheme(value);
            let scheme = value.strip_suffix(bare).unwrap_or_default();
            let text = if let Some(variable) = surroundings.only_variable(bare) {
                self.add(
                    name,
                    format!("headers.{name}"),
                    SecretValue::Variable(variable),
                )?
            } else {
                let filled = filled_in(value, surroundings)?;
                if !credential::in_header(name, &filled) {
                    self.table.headers.push((name.clone(), filled.to_string()));
                    continue;
                }
                let bare = Text::new(credential::without_scheme(&filled).to_owned());
                self.add(name, format!("headers.{name}"), SecretValue::Literal(bare))?
            };
            let template = if scheme.is_empty() {
                text
            } else {
                format!("{scheme}{{{{ {text} }}}}")
            };
            self.table.headers.push((name.clone(), template));
        }
        Ok(())
    }

    fn set_program(
        &mut self,
        words: &[Text],
        mut variables: Vec<(String, Text)>,
        surroundings: &Surroundings,
    ) -> Result<(), Left> {
        let words = containers::without_values(words, &mut variables, surroundings);
        let mut command: Vec<String> = Vec::with_capacity(words.len());
        for word in &words {
            command.push(filled_in_word(word, surroundings)?.to_string());
        }
        let plain: Vec<&str> = command.iter().map(String::as_str).collect();
        if let Some(place) = credential::in_arguments(&plain).next() {
            return Err(format!(
                "word {} of its command looks like a credential, which every user of the machine can read while it runs; if the program can read it from a variable, put it there and import again",
                place + 1
            )
            .into());
        }
        for (name, value) in variables {
            let text = if let Some(variable) = surroundings.only_variable(&value) {
                self.add(
                    &name,
                    format!("env.{name}"),
                    SecretValue::Variable(variable),
                )?
            } else {
                let filled = filled_in_word(&value, surroundings)?;
                if credential::in_variable(&name, &filled) {
                    self.add(&name, format!("env.{name}"), SecretValue::Literal(filled))?
                } else {
                    filled.to_string()
                }
            };
            self.table.env.push((name, text));
        }
        self.table.command = command;
        Ok(())
    }

    /// Plans a secret, and returns the reference to it.
    fn add(&mut self, name: &str, argument: String, value: SecretValue) -> Result<String, Left> {
        if let SecretValue::Literal(text) = &value
            && text.chars().count() < credential::SHORTEST
        {
            return Err(format!("its credential for {argument} is too short to be stored").into());
        }
        let name = secret_name(self.name.as_str(), name);
        if self.secrets.iter().any(|secret| secret.name == name) {
            return Err(format!("two of its credentials would be called '{name}'").into());
        }
        let reference = reference(&name);
        self.secrets.push(PlannedSecret {
            name,
            argument,
            value,
        });
        Ok(reference)
    }
}

/// A text of the client's file with its variables filled in.
fn filled_in(text: &str, surroundings: &Surroundings) -> Result<Text, Left> {
    own(surroundings.fill_in(text).map_err(of_client)?)
}

/// The same for a program, whose variables some clients do not fill in.
fn filled_in_word(text: &Text, surroundings: &Surroundings) -> Result<Text, Left> {
    if surroundings.kind.fills_in_words() {
        filled_in(text, surroundings)
    } else {
        own(text.clone())
    }
}

/// Refuses a reference: whoever wrote the file would choose which stored secret the server gets.
fn own(text: Text) -> Result<Text, Left> {
    if Reference::is_spelled_in(&text) {
        return Err("it names a stored secret itself; if it may have that secret, add the server with: toolvault mcp add".into());
    }
    Ok(text)
}

/// A word of a command, in quotes unless it is plain.
fn shown(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("{word:?}")
    }
}

fn secret_name(server: &str, name: &str) -> String {
    format!("{server}-{}", name.to_lowercase())
}

fn reference(name: &str) -> String {
    Reference::Name(name.to_owned()).to_string()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the error that was made for this"
)]
fn of_client(variable: String) -> Left {
    format!("it uses {variable}, which only its client can fill in").into()
}

/// A name of ours for what a client calls a server.
fn name(theirs: &str) -> Option<ServerName> {
    let letter = |character: char| match character.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9') => letter,
        _ => '-',
    };
    let ours: String = theirs.chars().map(letter).collect();
    let ours: String = ours.trim_matches('-').chars().take(32).collect();
    ours.parse().ok()
}

/// Whether it is `toolvault mcp stdio`.
fn is_our_own(words: &[Text]) -> bool {
    let program = words.first().and_then(|word| word.rsplit('/').next());
    let words: Vec<&str> = words.iter().skip(1).map(|word| word.as_str()).collect();
    program == Some("toolvault") && words.starts_with(&["mcp", "stdio"])
}
