//! Where the server sends something by itself: audit records, and traces.

use std::path::{Path, PathBuf};

use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{HeaderMap, HeaderName, HeaderValue};

use super::gateway::is_reserved_header;
use super::layers::Layers;
use super::root_key::read_secret_file;

/// A receiver. It has no `Debug`: the URL may hold a credential.
#[derive(Clone)]
pub(crate) struct Destination {
    /// Where its settings are.
    table: &'static str,
    pub(crate) url: String,
    pub(crate) headers_file: Option<PathBuf>,
    pub(crate) policy: HttpPolicy,
}

impl Destination {
    /// The one in the settings `<table>.url` and so on, if there is a URL. The caller checks the URL.
    pub(super) fn of(layers: &mut Layers, table: &'static str) -> Option<Self> {
        let key = |name: &str| format!("{table}.{name}");
        let headers_file = layers.path(&key("headers_file"));
        let Some((url, _)) = layers.text(&key("url")) else {
            if headers_file.is_some() {
                layers.problem_at(&key("headers_file"), &format!("set {table}.url too"));
            }
            return None;
        };
        let url = url.to_owned();
        if let Err(why) = read_headers(headers_file.as_deref()) {
            layers.problem_at(&key("headers_file"), &why);
        }
        Some(Self {
            table,
            url,
            headers_file,
            policy: HttpPolicy {
                allow_private_network: layers.boolean(&key("allow_private_network")),
                ca_file: layers.path(&key("ca_file")),
                ..HttpPolicy::default()
            },
        })
    }

    /// The headers of a request, read anew, so that a new credential needs no restart.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, String> {
        let path = self.headers_file.clone();
        let reading = tokio::task::spawn_blocking(move || read_headers(path.as_deref()));
        let read = reading.await.map_err(|error| error.to_string())?;
        read.map_err(|why| format!("{}.headers_file: {why}", self.table))
    }
}

/// The headers in a file, one a line. An error names the line, never its content.
fn read_headers(path: Option<&Path>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let Some(path) = path else {
        return Ok(headers);
    };
    let text = read_secret_file(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let lines = text.lines().zip(1..);
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let Some((name, value)) = header else {
            let path = path.display();
            return Err(format!(
                "line {number} of {path}: expected a header, as in Authorization: Bearer TOKEN"
            ));
        };
        if is_reserved_header(&name) || headers.insert(&name, value).is_some() {
            return Err(format!(
                "the header {name} belongs to the protocol or is set twice"
            ));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HeaderMap, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("headers");
        std::fs::write(&path, text).unwrap();
        read_headers(Some(&path))
    }

    #[test]
    fn a_file_has_one_header_a_line_and_their_values_are_not_printed() {
        let headers = read("Authorization: Bearer a:b \n\nX-Scope-OrgID:team\r\n").unwrap();
        assert_eq!(headers["authorization"], "Bearer a:b");
        assert_eq!(headers["x-scope-orgid"], "team");
        assert!(!format!("{headers:?}").contains("Bearer"));
        assert!(read_headers(None).unwrap().is_empty());
    }

    #[test]
    fn an_error_does_not_repeat_what_the_file_has() {
        for text in [
            "the-token",
            "A: b\nBearer the-token",
            "A: the-token\u{7f}",
            "host: the-token",
            "A: the-token\na: the-token",
        ] {
            let why = read(text).unwrap_err();
            assert!(!why.contains("the-token"), "{why}");
        }
        assert!(read_headers(Some(Path::new("/missing"))).is_err());
    }
}
