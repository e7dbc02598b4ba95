//! `mcp-remote`: a program that only passes on to a URL, which the gateway reaches by itself.

use crate::commands::mcp::import::client::Surroundings;
use crate::commands::mcp::import::given::{registered, sse};
use crate::commands::mcp::import::left::{Left, Text};

/// Options without a value that change nothing for the gateway.
const HARMLESS: [&str; 4] = ["--allow-http", "--debug", "--enable-proxy", "--silent"];
/// Options of its sign-in with a value. The gateway signs in by itself.
const SIGN_IN: [&str; 3] = ["--auth-timeout", "--host", "--resource"];
/// Options with which it signs in as a client that is registered.
const REGISTERED: [&str; 2] = [
    "--static-oauth-client-info",
    "--static-oauth-client-metadata",
];

/// Where it leads, and the headers that it sends there.
pub(super) struct Remote {
    pub(super) url: Text,
    pub(super) headers: Vec<(String, Text)>,
}

impl Remote {
    /// What a command passes on to; `None` for another program.
    pub(super) fn of(
        words: &[Text],
        env: &[(String, Text)],
        surroundings: &Surroundings,
    ) -> Result<Option<Self>, Left> {
        let is_named = |word: &Text| {
            let name = word.rsplit('/').next().unwrap_or_default();
            name.split('@').next() == Some("mcp-remote")
        };
        let Some(place) = words.iter().position(is_named) else {
            return Ok(None);
        };
        let mut arguments = words.iter().skip(place + 1);
        let (mut url, mut headers): (Option<Text>, _) = (None, Vec::new());
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "--header" => {
                    let header = arguments
                        .next()
                        .map(|text| fill_in(text, env, surroundings));
                    let header = header.as_deref().and_then(|text| text.split_once(':'));
                    let (name, value) = header.ok_or("one of its headers is invalid")?;
                    headers.push((name.to_owned(), Text::new(value.trim().to_owned())));
                }
                "--transport" if arguments.next().is_some_and(|kind| kind.starts_with("sse")) => {
                    return Err(sse());
                }
                "--transport" => {}
                text if SIGN_IN.contains(&text) => drop(arguments.next()),
                text if REGISTERED.contains(&text) => return Err(registered()),
                text if HARMLESS.contains(&text) => {}
                text if url.is_none() && !text.starts_with('-') => url = Some(word.clone()),
                // The port that it waits at for the answer of a sign-in.
                text if text.bytes().all(|byte| byte.is_ascii_digit()) => {}
                text => {
                    return Err(format!(
                        "it is mcp-remote with '{text}', which the gateway does not support"
                    )
                    .into());
                }
            }
        }
        let url = url.ok_or("it is mcp-remote without a URL")?;
        super::url::refuse_sse(&url)?;
        Ok(Some(Self { url, headers }))
    }
}

/// The text with the variables in it that the server's own table sets.
fn fill_in(text: &str, env: &[(String, Text)], surroundings: &Surroundings) -> Text {
    let mut filled = Text::new(text.to_owned());
    for (name, value) in env {
        // mcp-remote fills in its own variables. One of the client's stays one, under the client's name.
        let value = match surroundings.only_variable(value) {
            Some(variable) => surroundings.kind.variable(&variable),
            None => value.to_string(),
        };
        filled = Text::new(filled.replace(&format!("${{{name}}}"), &value));
    }
    filled
}
