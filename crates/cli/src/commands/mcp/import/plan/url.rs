//! The URL of a server, taken apart where credentials stand in its query.

use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{HttpError, Url};

use super::{Left, Text};
use crate::credential;

/// A URL in pieces.
pub(super) struct Parts {
    /// Text, and between two of them the name of a credential.
    pieces: Vec<Piece>,
    /// Names in the query, with their values.
    pub(super) credentials: Vec<(String, Text)>,
    /// Whether its address is of this machine or of a private network.
    pub(super) is_private: bool,
}

enum Piece {
    Text(String),
    Credential(String),
}

impl Parts {
    /// It as a template, with what `reference` says for each credential.
    pub(super) fn template(&self, reference: impl Fn(&str) -> String) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Credential(name) => format!("{{{{ {} }}}}", reference(name)),
        });
        pieces.collect()
    }
}

pub(super) fn parts(address: &str) -> Result<Parts, Left> {
    let refused = |error: HttpError| Left::Reason(format!("its URL cannot be asked: {error}"));
    let is_private = match HttpPolicy::default().check(address) {
        Ok(url) => url
            .host_str()
            .is_some_and(|host| host.ends_with("localhost")),
        Err(HttpError::ForbiddenAddress) => true,
        Err(error) => return Err(refused(error)),
    };
    let policy = HttpPolicy {
        allow_private_network: is_private,
        ..HttpPolicy::default()
    };
    let url: Url = policy.check(address).map_err(refused)?;
    let without_fragment = address.split('#').next().unwrap_or_default();
    let Some((before, query)) = without_fragment.split_once('?') else {
        return Ok(Parts {
            pieces: vec![Piece::Text(without_fragment.to_owned())],
            credentials: Vec::new(),
            is_private,
        });
    };
    let mut pieces = vec![Piece::Text(format!("{before}?"))];
    let mut credentials = Vec::new();
    let written = query.split('&').filter(|pair| !pair.is_empty());
    for (index, (written, (name, value))) in written.zip(url.query_pairs()).enumerate() {
        let separator = if index == 0 { "" } else { "&" };
        if credential::in_variable(&name, &value) {
            let key = written.split('=').next().unwrap_or_default();
            pieces.push(Piece::Text(format!("{separator}{key}=")));
            pieces.push(Piece::Credential(name.to_string()));
            credentials.push((name.into_owned(), Text::new(value.into_owned())));
        } else {
            pieces.push(Piece::Text(format!("{separator}{written}")));
        }
    }
    Ok(Parts {
        pieces,
        credentials,
        is_private,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_the_query_become_references() {
        let Ok(parts) = parts("https://h.example/mcp?a=1&api_key=ab%2Bcd&b=2#x") else {
            panic!("it can be asked");
        };
        let template = parts.template(|name| format!("secret://{name}"));
        assert_eq!(
            template,
            "https://h.example/mcp?a=1&api_key={{ secret://api_key }}&b=2"
        );
        assert_eq!(parts.credentials.len(), 1);
        assert_eq!(parts.credentials[0].1.as_str(), "ab+cd");
        assert!(!parts.is_private);
    }

    #[test]
    fn private_places_are_told_and_what_cannot_be_asked_is_refused() {
        for (address, is_private) in [
            ("https://h.example/mcp", false),
            ("http://127.0.0.1:9/mcp", true),
            ("http://localhost:9/mcp", true),
            ("https://10.0.0.1/mcp", true),
        ] {
            assert!(
                parts(address).is_ok_and(|parts| parts.is_private == is_private),
                "{address}"
            );
        }
        for address in [
            "http://h.example/",
            "https://u:p@h.example/",
            "ftp://h/",
            "x",
        ] {
            assert!(parts(address).is_err(), "{address}");
        }
    }
}
