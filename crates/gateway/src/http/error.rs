//! Why a request has no answer, by meaning. No variant holds a URL, a header or a body.

use std::error::Error;
use std::path::PathBuf;

use super::address::AddressRefused;

/// The cause below an [`HttpError`], stripped of the URL.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URL does not parse or has no host.
    #[error("not an absolute URL with a host")]
    InvalidUrl,
    /// The URL's scheme is neither https nor http.
    #[error("only https and http URLs can be requested")]
    UnsupportedScheme,
    /// The URL holds a user name or a password.
    #[error("a URL with a user name or password in it is refused")]
    UserInfo,
    /// The URL's scheme is http, and the host is not this machine.
    #[error("plain http is refused, except to this machine: use https")]
    PlainHttp,
    /// An address of the host is private, local or reserved, and the policy does not allow it.
    #[error("the host has a private, local or reserved address")]
    ForbiddenAddress,
    /// The name of the host has no address, or the look-up failed.
    #[error("the host name cannot be resolved")]
    UnknownHost(#[source] BoxError),
    /// No connection in time, or no TLS session that can be trusted. Nothing was sent.
    #[error("the host cannot be connected to")]
    Unreachable(#[source] BoxError),
    /// No complete answer within the policy's times.
    #[error("no complete answer in time")]
    Timeout,
    /// The answer's body has more bytes than the policy allows.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The policy's `max_body_bytes`.
        limit: usize,
    },
    /// The connection broke off, or what came is not HTTP.
    #[error("the answer broke off or is not HTTP")]
    Broken(#[source] BoxError),
    /// The policy's CA file cannot be read or holds no PEM certificate.
    #[error("no certificate in the CA file {}", path.display())]
    CaFile {
        /// The file in the policy.
        path: PathBuf,
        /// Why, unless the file is merely empty of certificates.
        #[source]
        source: Option<BoxError>,
    },
    /// TLS cannot be set up, for example because the system has no certificates.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] BoxError),
}

impl HttpError {
    /// The meaning of an error of the transport.
    pub(super) fn from_request(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if is_caused_by_refused_address(&error) {
            Self::ForbiddenAddress
        } else if error.is_dns() {
            Self::UnknownHost(error.into())
        } else if error.is_connect() {
            // Also if connecting took too long: nothing was sent.
            Self::Unreachable(error.into())
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Broken(error.into())
        }
    }
}

fn is_caused_by_refused_address(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source())
        .any(<dyn Error>::is::<AddressRefused>)
}

/// What an error goes back to, for logs in JSON, which omit the sources of an error.
pub fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last
}
