//! `mcp-remote`: a program that only passes on to a URL, which the gateway reaches by itself.

use super::{Left, Text, variable};

/// Where it leads, and what it says there.
pub(super) struct Remote {
    pub(super) url: Text,
    pub(super) headers: Vec<(String, Text)>,
}

impl Remote {
    /// What a command passes on to; none if it is another program.
    pub(super) fn of(words: &[Text], env: &[(String, Text)]) -> Result<Option<Self>, Left> {
        let is_named = |word: &Text| {
            let name = word.rsplit('/').next().unwrap_or_default();
            name.split('@').next() == Some("mcp-remote")
        };
        let Some(place) = words.iter().position(is_named) else {
            return Ok(None);
        };
        let mut arguments = words.iter().skip(place + 1);
        let (mut url, mut headers) = (None, Vec::new());
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "--header" => {
                    let header = arguments.next().map(|text| fill_in(text, env));
                    let header = header.as_deref().and_then(|text| text.split_once(':'));
                    let (name, value) = header.ok_or("one of its headers is none")?;
                    headers.push((name.to_owned(), Text::new(value.trim().to_owned())));
                }
                "--transport" if arguments.next().is_some_and(|kind| kind.starts_with("sse")) => {
                    return Err(
                        "it speaks HTTP with SSE, the transport before Streamable HTTP".into(),
                    );
                }
                text if text.starts_with("http") && url.is_none() => url = Some(word.clone()),
                _ => {}
            }
        }
        let url = url.ok_or("it is mcp-remote without a URL")?;
        Ok(Some(Self { url, headers }))
    }
}

/// The text with the variables in it that the server's own table sets.
fn fill_in(text: &str, env: &[(String, Text)]) -> Text {
    let mut filled = Text::new(text.to_owned());
    for (name, value) in env {
        // One that the client fills in stays a variable of the client.
        if variable(value).is_none() {
            filled = Text::new(filled.replace(&format!("${{{name}}}"), value));
        }
    }
    filled
}
