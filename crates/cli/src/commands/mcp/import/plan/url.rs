//! The URL of a server, taken apart where credentials are in its path and query.

use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{HttpError, Url};

use crate::commands::mcp::import::given::sse;
use crate::commands::mcp::import::left::{Left, Text};
use crate::credential;

/// A URL in pieces.
pub(super) struct Parts {
    /// Text, and between two of them the name of a credential.
    pieces: Vec<Piece>,
    /// Their names, with their values.
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

/// Refuses a URL that says that the older transport is behind it.
pub(super) fn refuse_sse(address: &str) -> Result<(), Left> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    if path
        .trim_end_matches('/')
        .to_ascii_lowercase()
        .ends_with("/sse")
    {
        return Err(sse());
    }
    Ok(())
}

pub(super) fn parts(address: &str) -> Result<Parts, Left> {
    refuse_sse(address)?;
    let (url, is_private) = checked(address)?;
    let without_fragment = address.split('#').next().unwrap_or_default();
    let (before, query) = match without_fragment.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (without_fragment, None),
    };
    let mut parts = Parts {
        pieces: Vec::new(),
        credentials: Vec::new(),
        is_private,
    };
    parts.add_path(before);
    if let Some(query) = query {
        parts.add_query(query, &url);
    }
    Ok(parts)
}

/// The URL, if it can be asked, and whether its address is private.
fn checked(address: &str) -> Result<(Url, bool), Left> {
    let refused =
        |error: HttpError| Left::Reason(format!("the gateway cannot use its URL: {error}"));
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
    Ok((policy.check(address).map_err(refused)?, is_private))
}

impl Parts {
    fn add_path(&mut self, before: &str) {
        let (origin, path) = match before.match_indices('/').nth(2) {
            Some((start, _)) => before.split_at(start),
            None => (before, ""),
        };
        self.pieces.push(Piece::Text(origin.to_owned()));
        for part in path.split('/').skip(1) {
            self.pieces.push(Piece::Text("/".to_owned()));
            if credential::is_key_in_path(part) {
                let name = self.free_name("url");
                self.pieces.push(Piece::Credential(name.clone()));
                self.credentials.push((name, Text::new(part.to_owned())));
            } else {
                self.pieces.push(Piece::Text(part.to_owned()));
            }
        }
    }

    fn add_query(&mut self, query: &str, url: &Url) {
        self.pieces.push(Piece::Text("?".to_owned()));
        let written = query.split('&').filter(|pair| !pair.is_empty());
        for (index, (written, (name, value))) in written.zip(url.query_pairs()).enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            if credential::is_key_in_query(&name, &value) {
                let key = written.split('=').next().unwrap_or_default();
                self.pieces.push(Piece::Text(format!("{separator}{key}=")));
                let name = self.free_name(&name);
                self.pieces.push(Piece::Credential(name.clone()));
                self.credentials.push((name, Text::new(value.into_owned())));
            } else {
                self.pieces
                    .push(Piece::Text(format!("{separator}{written}")));
            }
        }
    }

    fn free_name(&self, name: &str) -> String {
        let is_free = |name: &str| self.credentials.iter().all(|(other, _)| other != name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| is_free(name)).unwrap_or_default()
    }
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
    fn keys_in_the_path_become_references() {
        let Ok(parts) = parts("https://h.example/s/Zm4Kq81LxP0dTn7RwYb2/mcp") else {
            panic!("it can be asked");
        };
        let template = parts.template(|name| format!("secret://{name}"));
        assert_eq!(template, "https://h.example/s/{{ secret://url }}/mcp");
        assert_eq!(parts.credentials[0].1.as_str(), "Zm4Kq81LxP0dTn7RwYb2");
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
            "https://h.example/sse",
            "https://h.example/v1/SSE/?x=1",
            "x",
        ] {
            assert!(parts(address).is_err(), "{address}");
        }
    }
}
