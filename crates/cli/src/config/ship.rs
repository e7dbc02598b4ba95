//! Where audit records are shipped to.

use std::path::{Path, PathBuf};

use toolvault_gateway::http::{HeaderMap, HeaderName, HeaderValue};
use toolvault_gateway::shipping::Receiver;
use toolvault_gateway::{HttpError, HttpPolicy};

use super::gateway::is_reserved_header;
use super::layers::Layers;
use super::root_key::read_secret_file;

const SYSLOG_URLS: &str =
    "expected syslog+tls://HOST:PORT, syslog+tcp://HOST:PORT or syslog+unix:///PATH";

/// A receiver of audit records. It has no `Debug`: the URL may hold a credential.
#[derive(Clone)]
pub(crate) struct Shipping {
    pub(crate) url: String,
    pub(crate) headers_file: Option<PathBuf>,
    pub(crate) policy: HttpPolicy,
}

impl Shipping {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const URL: &str = "audit.ship.url";
        const HEADERS: &str = "audit.ship.headers_file";
        let headers_file = layers.path(HEADERS);
        let Some((url, _)) = layers.text(URL) else {
            if headers_file.is_some() {
                layers.problem_at(HEADERS, "set audit.ship.url too");
            }
            return None;
        };
        let url = url.to_owned();
        let policy = HttpPolicy {
            allow_private_network: layers.boolean("audit.ship.allow_private_network"),
            ca_file: layers.path("audit.ship.ca_file"),
            ..HttpPolicy::default()
        };
        let is_syslog = url.starts_with("syslog+");
        match Receiver::check(&url, &policy) {
            Err(HttpError::InvalidUrl) if is_syslog => layers.problem_at(URL, SYSLOG_URLS),
            Err(HttpError::PlainHttp) if is_syslog => {
                let advice = "plain TCP is refused, except to this machine: use syslog+tls";
                layers.problem_at(URL, advice);
            }
            Err(error) => layers.problem_at(URL, &error.to_string()),
            Ok(()) => {}
        }
        if is_syslog && headers_file.is_some() {
            layers.problem_at(HEADERS, "syslog has no headers");
        }
        if let Err(why) = read_headers(headers_file.as_deref()) {
            layers.problem_at(HEADERS, &why);
        }
        Some(Self {
            url,
            headers_file,
            policy,
        })
    }
}

/// The headers in a file, one a line. An error names the line, never its content.
pub(crate) fn read_headers(path: Option<&Path>) -> Result<HeaderMap, String> {
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
