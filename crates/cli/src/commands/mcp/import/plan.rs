//! What becomes of one server of a client: a table of ours, and the secrets that stood in it.

mod remote;
mod url;

use toolvault_core::json::{Array, Kind, Object, Value};
use toolvault_core::reference::Reference;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::HeaderName;
use zeroize::Zeroizing;

use super::document::Entry;
use crate::config::{ServerTable, is_reserved_header};
use crate::credential;

/// A text of the client's file, which may be a credential.
pub(super) type Text = Zeroizing<String>;

/// What is to be done about one server.
pub(super) struct Plan {
    pub(super) name: ServerName,
    pub(super) table: ServerTable,
    pub(super) secrets: Vec<PlannedSecret>,
}

/// A credential that stood in a client's file, or in a variable of the client.
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

/// Why a server stays as it is.
pub(super) enum Left {
    /// It leads to the gateway already.
    Done,
    /// It cannot be taken over.
    Reason(String),
}

impl From<&str> for Left {
    fn from(reason: &str) -> Self {
        Self::Reason(reason.to_owned())
    }
}

impl From<String> for Left {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

/// The plan for one server. `gateway` is what the URLs of those begin with that were taken over before.
pub(super) fn plan(entry: &Entry<'_>, gateway: &str) -> Result<Plan, Left> {
    let members = entry.members;
    let name = name(&entry.name).ok_or("its name has no letter and no digit")?;
    let mut plan = Plan {
        name,
        table: ServerTable::default(),
        secrets: Vec::new(),
    };
    if members.get("envFile").is_some() {
        return Err("it takes variables from a file of the client".into());
    }
    let address = ["url", "serverUrl", "httpUrl"];
    let address = address.iter().find_map(|name| text(members.get(name)?));
    if let Some(address) = address {
        if address.starts_with(gateway) {
            return Err(Left::Done);
        }
        if text_of(members, "type").is_some_and(|kind| *kind == "sse") {
            return Err("it speaks HTTP with SSE, the transport before Streamable HTTP".into());
        }
        plan.set_url(&address)?;
        plan.set_headers(&pairs(members, "headers")?)?;
        return Ok(plan);
    }
    let command = text_of(members, "command").ok_or("it has neither a URL nor a command")?;
    let words = std::iter::once(command).chain(texts(members, "args")?);
    let words: Vec<Text> = words.collect();
    let env = pairs(members, "env")?;
    if is_our_own(&words) {
        return Err(Left::Done);
    }
    if let Some(remote) = remote::Remote::of(&words, &env)? {
        plan.set_url(&remote.url)?;
        plan.set_headers(&remote.headers)?;
        return Ok(plan);
    }
    plan.set_program(words, env)?;
    plan.table.directory = text_of(members, "cwd").map(|text| text.to_string());
    Ok(plan)
}

impl Plan {
    fn set_url(&mut self, address: &str) -> Result<(), Left> {
        if address.contains("${") {
            return Err(of_client());
        }
        let mut parts = url::parts(address)?;
        for (name, value) in std::mem::take(&mut parts.credentials) {
            self.add(&name, "url".to_owned(), SecretValue::Literal(value))?;
        }
        let server = self.name.as_str();
        self.table.url = Some(parts.template(|name| reference(&secret_name(server, name))));
        self.table.allow_private_network = parts.is_private;
        Ok(())
    }

    fn set_headers(&mut self, headers: &[(String, Text)]) -> Result<(), Left> {
        for (name, value) in headers {
            let Ok(parsed) = name.parse::<HeaderName>() else {
                return Err("the name of a header is none".into());
            };
            // What the protocol says itself is said for each request anew.
            if is_reserved_header(&parsed) {
                continue;
            }
            let bare = credential::without_scheme(value);
            let scheme = value.strip_suffix(bare).unwrap_or_default();
            let text = match variable(bare) {
                Some(variable) => {
                    let value = SecretValue::Variable(variable.to_owned());
                    self.add(name, format!("headers.{name}"), value)?
                }
                None if value.contains("${") => return Err(of_client()),
                None if credential::in_header(name, value) => {
                    let value = SecretValue::Literal(Text::new(bare.to_owned()));
                    self.add(name, format!("headers.{name}"), value)?
                }
                None => {
                    self.table.headers.push((name.clone(), value.to_string()));
                    continue;
                }
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

    fn set_program(&mut self, words: Vec<Text>, env: Vec<(String, Text)>) -> Result<(), Left> {
        let mut variables = env;
        let mut command: Vec<String> = Vec::with_capacity(words.len());
        for word in words {
            // `docker run -e NAME=value` hands a variable of its own on if it gets the name alone.
            let is_variable = command
                .last()
                .is_some_and(|last| last == "-e" || last == "--env");
            match word.split_once('=') {
                Some((name, value)) if is_variable && credential::in_variable(name, value) => {
                    command.push(name.to_owned());
                    variables.push((name.to_owned(), Text::new(value.to_owned())));
                }
                _ => command.push(word.to_string()),
            }
        }
        if command.iter().any(|word| word.contains("${")) {
            return Err(of_client());
        }
        let plain: Vec<&str> = command.iter().map(String::as_str).collect();
        if let Some(place) = credential::in_arguments(&plain).next() {
            return Err(format!(
                "word {} of its command looks like a credential, which everybody on the machine can read while it runs; give it in a variable, if the program takes one, and import again",
                place + 1
            )
            .into());
        }
        for (name, value) in variables {
            let text = if let Some(variable) = variable(&value) {
                let value = SecretValue::Variable(variable.to_owned());
                self.add(&name, format!("env.{name}"), value)?
            } else if value.contains("${") {
                return Err(of_client());
            } else if credential::in_variable(&name, &value) {
                self.add(&name, format!("env.{name}"), SecretValue::Literal(value))?
            } else {
                value.to_string()
            };
            self.table.env.push((name, text));
        }
        self.table.command = command;
        Ok(())
    }

    /// Plans a secret, and returns the reference to it.
    fn add(&mut self, name: &str, argument: String, value: SecretValue) -> Result<String, Left> {
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

fn secret_name(server: &str, name: &str) -> String {
    format!("{server}-{}", name.to_lowercase())
}

fn reference(name: &str) -> String {
    Reference::Name(name.to_owned()).to_string()
}

fn of_client() -> Left {
    "it uses ${…}, which only its client can fill in".into()
}

/// The variable, if the text is nothing but one: `${NAME}` or `${env:NAME}`.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let name = name.strip_prefix("env:").unwrap_or(name);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_part)).then_some(name)
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

fn text(value: Value<'_>) -> Option<Text> {
    value.as_text()?.ok()
}

fn text_of(members: Object<'_>, name: &str) -> Option<Text> {
    text(members.get(name)?)
}

fn texts(members: Object<'_>, name: &str) -> Result<Vec<Text>, Left> {
    let elements = members.get(name).and_then(Value::as_array);
    let elements = elements.into_iter().flat_map(Array::elements);
    let texts = elements.map(|element| text(element).ok_or_else(|| unreadable(name)));
    texts.collect()
}

/// The names and texts of a table; numbers and switches are texts as they are spelled.
fn pairs(members: Object<'_>, name: &str) -> Result<Vec<(String, Text)>, Left> {
    let table = members.get(name).and_then(Value::as_object);
    let Some(table) = table else {
        return Ok(Vec::new());
    };
    let members = table.members().map_err(|_| unreadable(name))?;
    let pairs = members.into_iter().map(|member| {
        let value = match member.value.kind() {
            Kind::Number | Kind::Bool => Some(Text::new(member.value.raw().to_owned())),
            _ => text(member.value),
        };
        let value = value.ok_or_else(|| unreadable(name))?;
        Ok((member.name.into_owned(), value))
    });
    pairs.collect()
}

fn unreadable(name: &str) -> Left {
    format!("'{name}' holds something else than texts").into()
}
