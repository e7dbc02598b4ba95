//! A configured server, ready to be reached, and its templates filled for one caller.

mod oauth;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::pattern::ToolName;
use toolvault_core::reference::Reference;
use toolvault_vault::CredentialStamp;

pub(crate) use self::oauth::{Found, MachineToken};
use super::last_call::Noted;
use super::refusal::DoesNotFit;
use crate::http::{GuardedClient, HttpError, HttpPolicy, Url};
use crate::oauth::issuer::Issuer;
use crate::settings::{GatewayLimits, Part, ServerName, ServerSettings, Template, Transport};

/// All but the unreserved characters of RFC 3986, section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One server of the configuration.
pub(crate) struct Server {
    pub(crate) name: ServerName,
    pub(crate) settings: ServerSettings,
    /// `<server>__`: the tool as which its own credentials are resolved.
    pub(crate) tool: ToolName,
    /// The references of its templates, each with the argument that it serves, in the order of filling.
    pub(crate) wanted: Vec<(String, Reference)>,
    pub(crate) client: Option<GuardedClient>,
    pub(crate) noted: Noted,
    /// The token of its own client.
    pub(crate) machine: tokio::sync::Mutex<Option<Arc<MachineToken>>>,
    /// The authorization server that was asked last.
    known_issuer: Mutex<Option<Issuer>>,
    /// Whether it asked someone to sign in.
    pub(crate) wants_sign_in: AtomicBool,
}

/// The templates of a server with one caller's values in them.
pub(crate) struct Filled {
    pub(crate) url: Wiped<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) environment: Vec<(String, Wiped<String>)>,
    /// What it was filled with; `None` if there is nothing to fill.
    pub(crate) stamp: Option<CredentialStamp>,
}

/// Where a filled template goes.
enum Place<'a> {
    Url,
    Header(&'a HeaderName, &'a str),
    Variable(&'a str),
}

impl Place<'_> {
    /// The argument as which its references are resolved.
    fn argument(&self) -> String {
        match self {
            Self::Url => "url".to_owned(),
            Self::Header(_, spelling) => format!("headers.{spelling}"),
            Self::Variable(name) => format!("env.{name}"),
        }
    }
}

fn templates(transport: &Transport) -> Vec<(Place<'_>, &Template)> {
    match transport {
        Transport::Http(server) => {
            let headers = server.headers.iter();
            let headers = headers
                .map(|header| (Place::Header(&header.name, &header.spelling), &header.value));
            std::iter::once((Place::Url, &server.url))
                .chain(headers)
                .collect()
        }
        Transport::Stdio(server) => {
            let variables = server.env.iter();
            variables
                .map(|(name, template)| (Place::Variable(name), template))
                .collect()
        }
        Transport::Elsewhere => Vec::new(),
    }
}

impl Server {
    pub(crate) fn new(
        name: ServerName,
        settings: ServerSettings,
        limits: &GatewayLimits,
    ) -> Result<Self, HttpError> {
        let client = match &settings.transport {
            Transport::Stdio(_) | Transport::Elsewhere => None,
            Transport::Http(server) => Some(GuardedClient::new(HttpPolicy {
                total_timeout: limits.silence,
                max_body_bytes: limits.message_bytes,
                allow_private_network: server.allow_private_network,
                ca_file: server.ca_file.clone(),
                ..HttpPolicy::default()
            })?),
        };
        let tool = ToolName::parse(&name.prefix()).map_err(|_| HttpError::InvalidUrl)?;
        let wanted = templates(&settings.transport)
            .into_iter()
            .flat_map(|(place, template)| {
                let argument = place.argument();
                let references = template.references().cloned();
                references.map(move |reference| (argument.clone(), reference))
            })
            .collect();
        Ok(Self {
            name,
            settings,
            tool,
            wanted,
            client,
            noted: Noted::default(),
            machine: tokio::sync::Mutex::default(),
            known_issuer: Mutex::default(),
            wants_sign_in: AtomicBool::default(),
        })
    }

    /// Fills the templates with values in the order of `wanted`.
    pub(crate) fn fill<'a>(
        &self,
        mut values: impl Iterator<Item = &'a Confidential>,
        stamp: Option<CredentialStamp>,
    ) -> Result<Filled, DoesNotFit> {
        let mut filled = Filled {
            url: Wiped::default(),
            headers: HeaderMap::new(),
            environment: Vec::new(),
            stamp,
        };
        for (place, template) in templates(&self.settings.transport) {
            let refused = || DoesNotFit(place.argument());
            let is_encoded = matches!(place, Place::Url);
            let text = write(template, is_encoded, &mut values).ok_or_else(refused)?;
            match place {
                Place::Url if has_same_origin(template, &text) => filled.url = text,
                Place::Header(name, _) => {
                    let value = header_value(&text).ok_or_else(refused)?;
                    filled.headers.append(name.clone(), value);
                }
                Place::Variable(name) if !text.contains('\0') => {
                    filled.environment.push((name.to_owned(), text));
                }
                _ => return Err(refused()),
            }
        }
        Ok(filled)
    }
}

fn header_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn write<'a>(
    template: &Template,
    is_encoded: bool,
    values: &mut impl Iterator<Item = &'a Confidential>,
) -> Option<Wiped<String>> {
    let mut text = Wiped::new(String::new());
    let mut append = |piece: &str| {
        // Moves to a larger buffer and wipes the smaller, which `String` would not.
        let mut larger = Wiped::new(String::with_capacity(text.len() + piece.len()));
        larger.push_str(&text);
        larger.push_str(piece);
        text = larger;
    };
    for part in template.parts() {
        match part {
            Part::Text(piece) => append(piece),
            Part::Reference(_) => {
                let value = values.next()?.expose_text()?;
                if is_encoded {
                    let encoded = utf8_percent_encode(value, ENCODED).to_string();
                    append(&Wiped::new(encoded));
                } else {
                    append(value);
                }
            }
        }
    }
    Some(text)
}

/// Whether a value has moved neither the scheme, nor the host, nor the port of a URL, nor climbed out of its path.
fn has_same_origin(template: &Template, filled: &str) -> bool {
    let literal: String = template
        .parts()
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Reference(_) => "x",
        })
        .collect();
    match (Url::parse(&literal), Url::parse(filled)) {
        (Ok(literal), Ok(filled)) => {
            let depth = |url: &Url| url.path_segments().map(Iterator::count);
            literal.origin() == filled.origin() && depth(&literal) == depth(&filled)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::settings::{Header, HttpServer, OAuthSettings, StdioServer};

    fn server(transport: Transport) -> Server {
        let settings = ServerSettings {
            transport,
            credential_arguments: BTreeSet::new(),
            allow_override: false,
            pin: crate::settings::Pin::default(),
            approval: crate::settings::ApprovalRules::default(),
            secure_parameters: false,
        };
        let limits = GatewayLimits::default();
        Server::new("files".parse().unwrap(), settings, &limits).unwrap()
    }

    fn over_http(url: &str, header: &str) -> Server {
        server(Transport::Http(HttpServer {
            url: Template::parse(url).unwrap(),
            headers: vec![Header {
                name: HeaderName::from_static("x-key"),
                spelling: "X-Key".to_owned(),
                value: Template::parse(header).unwrap(),
            }],
            allow_private_network: false,
            ca_file: None,
            oauth: OAuthSettings::default(),
        }))
    }

    fn fill(server: &Server, values: &[&str]) -> Result<Filled, DoesNotFit> {
        let values: Vec<Confidential> = values.iter().map(|&value| value.into()).collect();
        server.fill(values.iter(), None)
    }

    #[test]
    fn values_stand_where_their_references_stood() {
        let server = over_http(
            "https://a.test/{{ secret://p }}?k={{ secret://q }}",
            "Bearer {{secret://h}}",
        );
        let arguments: Vec<&str> = server
            .wanted
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(arguments, ["url", "url", "headers.X-Key"]);
        let filled = fill(&server, &["a/b c", "ü&=", "tok"]).unwrap();
        assert_eq!(*filled.url, "https://a.test/a%2Fb%20c?k=%C3%BC%26%3D");
        assert_eq!(filled.headers["x-key"], "Bearer tok");
        assert!(filled.headers["x-key"].is_sensitive());
    }

    #[test]
    fn a_value_cannot_break_out_of_its_place() {
        let server = over_http("https://a.test/{{ secret://p }}/mcp", "{{ secret://h }}");
        let refused = |argument: &str| Some(DoesNotFit(argument.to_owned()));
        for value in ["..", "."] {
            assert_eq!(
                fill(&server, &[value, "x"]).err(),
                refused("url"),
                "{value}"
            );
        }
        for value in ["@evil.test/", "#", "\\\\evil.test", "?"] {
            let filled = fill(&server, &[value, "x"]).unwrap();
            assert!(filled.url.starts_with("https://a.test/%"), "{value}");
        }
        for value in ["a\r\nHost: b", "a\nb", "a\0b"] {
            assert_eq!(fill(&server, &["p", value]).err(), refused("headers.X-Key"));
        }
        let authority = over_http("https://{{ secret://p }}.test/", "x");
        assert_eq!(fill(&authority, &["evil"]).err(), refused("url"));
    }

    #[test]
    fn variables_are_filled_too() {
        let server = server(Transport::Stdio(StdioServer {
            command: vec!["x".to_owned()],
            env: BTreeMap::from([
                ("A".to_owned(), Template::parse("plain").unwrap()),
                ("B".to_owned(), Template::parse("secret://b").unwrap()),
            ]),
            directory: None,
        }));
        let filled = fill(&server, &["two\nlines"]).unwrap();
        let found: Vec<(&str, &str)> = filled
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, [("A", "plain"), ("B", "two\nlines")]);
        assert_eq!(
            fill(&server, &["a\0b"]).err(),
            Some(DoesNotFit("env.B".to_owned()))
        );
    }
}
