//! The TOML file of Codex. Comments and order stay.

use std::path::Path;

use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};
use toolvault_core::confidential::Wiped;

use super::Entry;
use crate::commands::mcp::import::client::Surroundings;
use crate::commands::mcp::import::given::{Given, registered, unreadable};
use crate::commands::mcp::import::left::{Left, Text};
use crate::commands::mcp::import::rewrite::Replacement;
use crate::environment::{API_KEY, URL};
use crate::failure::Failure;

/// The table with a table for each server.
pub(super) const TABLE: &str = "mcp_servers";
/// Keys that say how a server is reached; everything else of a server stays.
const REPLACED: [&str; 13] = [
    "url",
    "http_headers",
    "env_http_headers",
    "bearer_token",
    "bearer_token_env_var",
    "command",
    "args",
    "env",
    "env_vars",
    "cwd",
    // How Codex signs in, as the gateway does by itself.
    "oauth",
    "oauth_resource",
    "scopes",
];

pub(super) struct File {
    document: DocumentMut,
}

impl File {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        // The library's own text quotes the line, which may hold a key.
        let document = text.parse().map_err(|_: toml_edit::TomlError| {
            let shown = path.display();
            Failure::refused(format!(
                "{shown} is not a TOML document, and is left as it is"
            ))
        })?;
        Ok(Self { document })
    }

    pub(super) fn entries(&self, surroundings: &Surroundings) -> Vec<Entry> {
        let tables = self.document.get(TABLE).and_then(Item::as_table_like);
        let tables = tables.into_iter().flat_map(TableLike::iter);
        let entries = tables.filter_map(|(name, item)| {
            Some(Entry {
                name: name.to_owned(),
                given: given(item.as_table_like()?),
                surroundings: surroundings.clone(),
                place: super::Place::Codex(name.to_owned()),
            })
        });
        entries.collect()
    }

    /// The text with other keys in some servers.
    pub(super) fn with<'a>(
        &self,
        replacements: impl Iterator<Item = (&'a str, &'a Replacement<'a>)>,
    ) -> Result<Text, Failure> {
        let mut document = self.document.clone();
        for (name, replacement) in replacements {
            let servers = document.get_mut(TABLE).and_then(Item::as_table_like_mut);
            let server = servers
                .and_then(|servers| servers.get_mut(name))
                .and_then(Item::as_table_like_mut);
            let server = server.ok_or_else(|| Failure::failed("a server is no table any more"))?;
            change(server, replacement);
        }
        Ok(Wiped::new(document.to_string()))
    }
}

fn given(table: &dyn TableLike) -> Result<Given, Left> {
    let way = table.get("oauth").and_then(Item::as_table_like);
    if way.is_some_and(|way| way.contains_key("client_id")) {
        return Err(registered());
    }
    if let Some(url) = text(table, "url") {
        let mut headers = pairs(table, "http_headers")?;
        let variable = |name: &str| format!("${{{name}}}");
        for (name, of) in pairs(table, "env_http_headers")? {
            headers.push((name, Text::new(variable(&of))));
        }
        let bearer = text(table, "bearer_token_env_var").map(|of| variable(&of));
        let bearer = bearer.or_else(|| text(table, "bearer_token").map(|token| token.to_string()));
        if let Some(bearer) = bearer.map(Wiped::new) {
            let value = Text::new(format!("Bearer {}", bearer.as_str()));
            headers.push(("Authorization".to_owned(), value));
        }
        return Ok(Given::Remote { url, headers });
    }
    let command = text(table, "command").filter(|command| !command.is_empty());
    let command = command.ok_or("it has neither a URL nor a command")?;
    let mut env = pairs(table, "env")?;
    // Variables of Codex that it hands on.
    let handed_on = table.get("env_vars").and_then(Item::as_array);
    for item in handed_on.into_iter().flatten() {
        let named = item
            .as_inline_table()
            .and_then(|table| table.get("name")?.as_str());
        let name = item
            .as_str()
            .or(named)
            .ok_or_else(|| unreadable("env_vars"))?;
        let is_set = env.iter().any(|(other, _)| other == name);
        if !is_set && !toolvault_gateway::stdio::is_inherited(name) {
            env.push((name.to_owned(), Text::new(format!("${{{name}}}"))));
        }
    }
    let args = table.get("args").and_then(Item::as_array);
    let args = args
        .into_iter()
        .flatten()
        .map(|item| spelled(item).ok_or_else(|| unreadable("args")));
    let args: Vec<Text> = args.collect::<Result<_, Left>>()?;
    Ok(Given::Program {
        words: std::iter::once(command).chain(args).collect(),
        env,
        directory: text(table, "cwd").filter(|text| !text.is_empty()),
    })
}

/// Puts a server's new keys in the place of the old ones, with the comments of those.
fn change(table: &mut dyn TableLike, replacement: &Replacement<'_>) {
    let mut comments = String::new();
    for key in REPLACED {
        if let Some(decor) = table.key(key).map(|key| key.leaf_decor().clone()) {
            keep_comments(decor.prefix(), &mut comments);
        }
        if let Some(item) = table.remove(key) {
            match &item {
                Item::Value(value) => keep_comments(value.decor().suffix(), &mut comments),
                Item::Table(table) => keep_comments(table.decor().prefix(), &mut comments),
                _ => {}
            }
        }
    }
    let mut first = None;
    for (key, value) in keys(replacement) {
        table.insert(key, Item::Value(value));
        first.get_or_insert(key);
    }
    if let (Some(mut key), false) = (
        first.and_then(|key| table.key_mut(key)),
        comments.is_empty(),
    ) {
        key.leaf_decor_mut().set_prefix(comments);
    }
}

fn keep_comments(decor: Option<&toml_edit::RawString>, comments: &mut String) {
    let lines = decor
        .and_then(toml_edit::RawString::as_str)
        .unwrap_or_default()
        .lines();
    for line in lines.filter(|line| line.trim_start().starts_with('#')) {
        comments.push_str(line.trim_start());
        comments.push('\n');
    }
}

fn keys(replacement: &Replacement<'_>) -> Vec<(&'static str, Value)> {
    match replacement {
        Replacement::Http {
            url,
            key: Some(key),
        } => {
            let bearer = Wiped::new(format!("Bearer {}", key.as_str()));
            let headers: InlineTable = [("Authorization", bearer.as_str())].into_iter().collect();
            vec![
                ("url", url.as_str().into()),
                ("http_headers", headers.into()),
            ]
        }
        Replacement::Http { url, key: None } => {
            vec![
                ("url", url.as_str().into()),
                ("bearer_token_env_var", API_KEY.into()),
            ]
        }
        Replacement::Stdio {
            program,
            server,
            base,
            key,
        } => {
            let args: Array = Replacement::arguments(server).into_iter().collect();
            let mut env = InlineTable::new();
            env.insert(URL, (*base).into());
            if let Some(key) = key {
                env.insert(API_KEY, key.as_str().into());
            }
            let mut keys: Vec<(&str, Value)> = vec![
                ("command", program.to_string_lossy().as_ref().into()),
                ("args", args.into()),
                ("env", env.into()),
            ];
            if key.is_none() {
                // Codex hands on no other variables of its own.
                let handed_on: Array = [API_KEY].into_iter().collect();
                keys.push(("env_vars", handed_on.into()));
            }
            keys
        }
    }
}

fn text(table: &dyn TableLike, key: &str) -> Option<Text> {
    Some(Text::new(table.get(key)?.as_str()?.to_owned()))
}

fn pairs(table: &dyn TableLike, key: &str) -> Result<Vec<(String, Text)>, Left> {
    let pairs = table.get(key).and_then(Item::as_table_like);
    let pairs = pairs
        .into_iter()
        .flat_map(TableLike::iter)
        .map(|(name, item)| {
            let value = item
                .as_value()
                .and_then(spelled)
                .ok_or_else(|| unreadable(key))?;
            Ok((name.to_owned(), value))
        });
    pairs.collect()
}

/// A text; numbers and switches are texts as they are spelled.
fn spelled(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => Some(Text::new(text.value().clone())),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
            Some(Text::new(value.to_string().trim().to_owned()))
        }
        _ => None,
    }
}
