//! What a client reads in place of a server that was taken over.

use std::path::{Path, PathBuf};

use toolvault_core::json::write_string;
use toolvault_gateway::ServerName;
use zeroize::Zeroizing;

use super::document::Entry;
use crate::environment::{API_KEY, URL};
use crate::failure::Failure;

/// This client starts programs only.
const CLAUDE_DESKTOP: &str = "claude_desktop_config.json";
/// What said where the server is and what it gets; everything else of an entry stays.
const REPLACED: [&str; 10] = [
    "type",
    "transport",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "command",
    "args",
    "env",
    "cwd",
];

/// How a client reaches the gateway.
pub(super) enum Client {
    /// By URL. A variable is spelled `${env:NAME}` or `${NAME}`.
    Http { is_env_prefixed: bool },
    /// By starting this program.
    Stdio { program: PathBuf },
}

impl Client {
    /// The client that reads the file at `path`.
    pub(super) fn of(path: &Path, is_stdio: bool) -> Result<Self, Failure> {
        if is_stdio || path.file_name().is_some_and(|name| name == CLAUDE_DESKTOP) {
            let program = std::env::current_exe().map_err(|error| {
                Failure::failed(format!("it is not known where this program is: {error}"))
            })?;
            return Ok(Self::Stdio { program });
        }
        let is_env_prefixed = path
            .components()
            .any(|part| part.as_os_str() == ".cursor" || part.as_os_str() == ".vscode");
        Ok(Self::Http { is_env_prefixed })
    }
}

/// The text of one entry, with `key` or with the variable that holds it.
pub(super) fn entry(
    client: &Client,
    entry: &Entry<'_>,
    server: &ServerName,
    gateway: &str,
    key: Option<&Zeroizing<String>>,
    indentation: Option<&str>,
) -> Zeroizing<String> {
    let mut members = match client {
        Client::Http { is_env_prefixed } => {
            let key = key.cloned().unwrap_or_else(|| {
                let prefix = if *is_env_prefixed || entry.is_servers {
                    "env:"
                } else {
                    ""
                };
                Zeroizing::new(format!("${{{prefix}{API_KEY}}}"))
            });
            let bearer = Zeroizing::new(format!("Bearer {}", key.as_str()));
            vec![
                ("type", string("http")),
                ("url", string(&format!("{gateway}/{server}"))),
                ("headers", object(&[("Authorization", string(&bearer))])),
            ]
        }
        Client::Stdio { program } => {
            let arguments = ["mcp", "stdio", server.as_str()].map(string);
            let arguments = arguments.each_ref().map(|word| word.as_str()).join(", ");
            let base = gateway.trim_end_matches("/mcp");
            let mut env = vec![(URL, string(base))];
            env.extend(key.map(|key| (API_KEY, string(key))));
            vec![
                ("command", string(&program.to_string_lossy())),
                ("args", Zeroizing::new(format!("[{arguments}]"))),
                ("env", object(&env)),
            ]
        }
    };
    let kept = entry.members.members().unwrap_or_default();
    let kept = kept
        .iter()
        .filter(|member| !REPLACED.contains(&&*member.name));
    members
        .extend(kept.map(|member| (&*member.name, Zeroizing::new(member.value.raw().to_owned()))));
    match indentation {
        None => object(&members),
        Some(indentation) => {
            let line = format!("\n{indentation}  ");
            let end = format!("\n{indentation}}}");
            between(&members, &line, &end)
        }
    }
}

fn string(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + 16));
    write_string(text, &mut out);
    // JSON is UTF-8.
    Zeroizing::new(String::from_utf8(out.to_vec()).unwrap_or_default())
}

fn object(members: &[(&str, Zeroizing<String>)]) -> Zeroizing<String> {
    between(members, " ", " }")
}

/// Members with `space` before each. The text is made at once, so that no growing leaves a copy of a key behind.
fn between(members: &[(&str, Zeroizing<String>)], space: &str, end: &str) -> Zeroizing<String> {
    let names: Vec<_> = members.iter().map(|(name, _)| string(name)).collect();
    let mut pieces = vec!["{"];
    for (index, (name, (_, value))) in names.iter().zip(members).enumerate() {
        let separator = if index == 0 { "" } else { "," };
        pieces.extend([separator, space, name, ": ", value]);
    }
    pieces.push(end);
    Zeroizing::new(pieces.concat())
}
