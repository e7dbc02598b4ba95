//! Why a server is not reached, and what to do about it.

use toolvault_gateway::HttpError;
use toolvault_gateway::http::{Url, is_on_this_machine, root_cause};

use crate::environment::{CA_FILE, URL};
use crate::failure::Failure;

/// The port of a server, unless it is told another.
const PORT: u16 = 8710;

/// How what is wrong with a certificate begins.
const CERTIFICATE: &str = "invalid peer certificate: ";

/// The failure for a text from `source` that is not the URL of a server. The text is repeated only if it is the name of a
/// host: it may be a key.
pub(super) fn not_a_server(source: &str, text: &str, error: &HttpError) -> Failure {
    let failure = Failure::refused(format!("{source}: {error}"));
    match error {
        HttpError::InvalidUrl | HttpError::UnsupportedScheme => match with_scheme(text) {
            Some(url) => failure.hint(format!("write the scheme too: {url}")),
            None => failure.hint(format!(
                "a URL is like http://127.0.0.1:{PORT} or https://vault.example.com"
            )),
        },
        HttpError::PlainHttp => {
            failure.hint("a key goes to another machine only if its server has HTTPS")
        }
        _ => failure,
    }
}

/// The URL that a host was probably meant to be, with or without a port.
fn with_scheme(text: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{text}")).ok()?;
    let host = url.host_str()?;
    let is_host = host == "localhost" || host.contains(['.', ':']);
    if !is_host || text.contains(['@', '/']) {
        return None;
    }
    if !is_on_this_machine(&url) {
        return Some(format!("https://{text}"));
    }
    let port = url.port().unwrap_or(PORT);
    Some(format!("http://{host}:{port}"))
}

/// The failure for a server that does not answer.
pub(crate) fn no_answer(url: &Url, error: &HttpError) -> Failure {
    let server = url.origin().ascii_serialization();
    let cause = root_cause(error).to_string();
    // What the TLS library says about a certificate ends with a dump of its fields.
    let cause = match cause.split_once(" {") {
        Some((cause, _)) if cause.starts_with(CERTIFICATE) => cause,
        _ => &cause,
    };
    let failure = Failure::failed(format!("the server at {server} does not answer: {cause}"));
    match hint(url, &server, error, cause) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(url: &Url, server: &str, error: &HttpError, cause: &str) -> Option<String> {
    let host = server.split_once("://").map_or(server, |(_, host)| host);
    // The HTTP client hands on only the text of what the TLS library says.
    if let Some(fault) = cause.strip_prefix(CERTIFICATE) {
        return Some(of_certificate(server, fault));
    }
    Some(match error {
        HttpError::Unreachable(_) if cause.contains("InvalidContentType") => {
            format!("it does not serve HTTPS: write http://{host}")
        }
        HttpError::Broken(_) if url.scheme() == "http" => {
            format!("if it serves HTTPS, write https://{host}")
        }
        HttpError::Unreachable(_) | HttpError::Timeout if is_on_this_machine(url) => format!(
            "is the server running? Start it with: toolvault serve; or, if it is a service: systemctl --user start toolvault. {URL} or a profile sets its address"
        ),
        HttpError::Unreachable(_) | HttpError::UnknownHost(_) | HttpError::Timeout => format!(
            "is the server running, and its address right? {URL} sets it, or a profile: toolvault profile show"
        ),
        _ => return None,
    })
}

fn of_certificate(server: &str, fault: &str) -> String {
    let is = |words: &[&str]| words.iter().any(|word| fault.contains(word));
    if is(&["CaUsedAsEndEntity"]) {
        return format!(
            "the certificate of {server} is one of a CA. Make one for a server: with openssl req -x509, add -addext basicConstraints=critical,CA:FALSE"
        );
    }
    if is(&["NotValidForName", "not valid for name"]) {
        return format!(
            "the certificate of {server} is for other names: use one of them in the URL, or add this one to it"
        );
    }
    if is(&["xpired", "NotValidYet", "not valid yet"]) {
        return format!("renew the certificate of {server}, or set the clock of this machine");
    }
    format!(
        "the certificate of {server} is not trusted: name a PEM file with its CA, or with the certificate itself if it is self-signed, in --ca-file or {CA_FILE}"
    )
}

#[cfg(test)]
mod tests {
    use super::with_scheme;

    #[test]
    fn only_a_host_is_repeated_as_a_url() {
        for (text, meant) in [
            ("127.0.0.1:8711", Some("http://127.0.0.1:8711")),
            ("localhost", Some("http://localhost:8710")),
            ("[::1]:8710", Some("http://[::1]:8710")),
            ("vault.example.com", Some("https://vault.example.com")),
            ("tvk_AbCdEfGh_0123456789", None),
            ("me:password@vault.example.com", None),
            ("ftp://vault.example.com", None),
            ("", None),
        ] {
            assert_eq!(with_scheme(text).as_deref(), meant, "{text}");
        }
    }
}
