//! How a client proves to an authorization server who it is (RFC 6749, section 2.3, and RFC 7523, section 2.2).

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use toolvault_core::confidential::{Buffer, Wiped};

use crate::http::{HeaderMap, HeaderValue, header};

/// What a form leaves as it is (`application/x-www-form-urlencoded`).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');
/// The most bytes of a client's secret.
const LONGEST_SECRET: usize = 4_096;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client with a secret shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`, which every authorization server accepts that does not say otherwise.
    Basic,
    /// `client_secret_post`.
    Post,
}

impl ClientAuthentication {
    /// The one to use where the metadata list these methods, or none.
    pub fn of(supported: Option<&[String]>) -> Self {
        let accepts =
            |name: &str| supported.is_some_and(|all| all.iter().any(|method| method == name));
        if accepts(Self::Post.name()) && !accepts(Self::Basic.name()) {
            Self::Post
        } else {
            Self::Basic
        }
    }

    /// Its name in metadata and registrations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

/// A client as an authorization server knows it.
pub(crate) struct Identity<'a> {
    pub(crate) id: &'a str,
    pub(crate) proof: Proof<'a>,
}

/// What shows that a request is the client's.
pub(crate) enum Proof<'a> {
    /// Nothing: the client is public.
    None,
    Secret(ClientAuthentication, &'a str),
    /// A signed assertion (`private_key_jwt`).
    Assertion(&'a str),
}

impl Identity<'_> {
    /// Adds to a request what says and proves who sends it.
    pub(crate) fn sign(&self, form: &mut Form, headers: &mut HeaderMap) {
        match self.proof {
            Proof::Secret(ClientAuthentication::Basic, secret) => {
                headers.insert(header::AUTHORIZATION, basic(self.id, secret));
            }
            Proof::Secret(ClientAuthentication::Post, secret) => {
                form.add("client_id", self.id);
                form.add("client_secret", secret);
            }
            Proof::Assertion(assertion) => {
                form.add("client_id", self.id);
                form.add("client_assertion_type", ASSERTION_TYPE);
                form.add("client_assertion", assertion);
            }
            Proof::None => form.add("client_id", self.id),
        }
    }
}

/// A form, as the body of a request. It is overwritten when dropped.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "it holds codes and secrets")]
pub struct Form(Buffer);

impl Form {
    /// Adds a field.
    pub fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.extend(b"&");
        }
        self.0.extend(name.as_bytes());
        self.0.extend(b"=");
        escape(&mut self.0, value);
    }

    /// Adds ID and secret of a client in the form or the headers.
    pub fn add_client(
        &mut self,
        headers: &mut HeaderMap,
        id: &str,
        secret: Option<(ClientAuthentication, &str)>,
    ) {
        let proof = secret.map_or(Proof::None, |(method, secret)| {
            Proof::Secret(method, secret)
        });
        Identity { id, proof }.sign(self, headers);
    }

    /// The headers of a request with a form that is answered with JSON.
    pub fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers
    }

    /// The body.
    pub fn into_body(self) -> Bytes {
        Bytes::from_owner(self.0.into_inner())
    }
}

/// ID and secret are encoded as in a form (RFC 6749, section 2.3.1), so nothing in them is refused.
fn basic(id: &str, secret: &str) -> HeaderValue {
    let mut pair = Buffer::default();
    escape(&mut pair, id);
    pair.extend(b":");
    escape(&mut pair, secret);
    let encoded = Wiped::new(STANDARD.encode(&*pair));
    let value = Wiped::new(["Basic ", encoded.as_str()].concat().into_bytes());
    let value = HeaderValue::from_maybe_shared(Bytes::from_owner(value));
    // Base64 is always a valid header.
    let mut value = value.unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Appends `text` as forms have it.
fn escape(buffer: &mut Buffer, text: &str) {
    for part in utf8_percent_encode(text, ESCAPED) {
        buffer.extend(part.as_bytes());
    }
}

/// The secret of a client in a file, without the end of its line. It has 1 to 4,096 bytes.
pub fn read_secret(path: &Path) -> std::io::Result<Wiped<String>> {
    let text = Wiped::new(std::fs::read_to_string(path)?);
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.len() > LONGEST_SECRET || secret.chars().any(char::is_control) {
        return Err(std::io::Error::other(
            "it must have one line of 1 to 4096 bytes",
        ));
    }
    Ok(Wiped::new(secret.to_owned()))
}
