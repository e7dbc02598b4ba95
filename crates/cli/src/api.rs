//! The API as the command line uses it: over HTTP, with a key from the environment.

pub(crate) mod explain;
mod refusal;
pub(crate) mod secrets;

use std::time::Duration;

use serde::de::DeserializeOwned;
use toolvault_gateway::http::{HeaderMap, HeaderValue, Method, StatusCode, Url, header};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy, Response};

use crate::config::read_secret_file;
use crate::context::Context;
use crate::environment::{API_KEY, API_KEY_FILE, Environment, URL};
use crate::failure::{Failure, with_causes};
use crate::printer::Printer;

const DEFAULT_URL: &str = "http://127.0.0.1:8710";
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer, in bytes: a list of a thousand secrets with the longest names.
const LARGEST_ANSWER: usize = 32 << 20;

/// A client of one API with one key.
pub(crate) struct Api<'a> {
    client: GuardedClient,
    base: Url,
    authorization: HeaderValue,
    printer: &'a Printer,
}

/// What is sent with a request.
pub(crate) enum Body {
    Nothing,
    Json(Vec<u8>),
    Octets(Vec<u8>),
}

impl<'a> Api<'a> {
    /// The API that the environment names.
    pub(crate) fn connect(context: &Context<'a>) -> Result<Self, Failure> {
        let policy = HttpPolicy {
            total_timeout: TIMEOUT,
            max_body_bytes: LARGEST_ANSWER,
            allow_private_network: true,
            ..HttpPolicy::default()
        };
        let base = base(&context.environment, &policy)?;
        Ok(Self {
            client: GuardedClient::new(policy)
                .map_err(|error| Failure::failed(with_causes(&error)))?,
            base,
            authorization: authorization(&context.environment)?,
            printer: context.printer,
        })
    }

    /// The URL of a path, each segment percent-encoded.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(segments);
        }
        url
    }

    /// The answer to one request; any but 2xx is a failure.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Body,
    ) -> Result<Response, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        let (kind, body) = match body {
            Body::Nothing => (None, Vec::new()),
            Body::Json(body) => (Some("application/json"), body),
            Body::Octets(body) => (Some("application/octet-stream"), body),
        };
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let sent = self.client.send(method, url.as_str(), headers, body.into());
        let response = sent.await.map_err(|error| self.no_answer(&error))?;
        for warning in response.headers.get_all("toolvault-warning") {
            let text = String::from_utf8_lossy(warning.as_bytes());
            self.printer.error_line(&format!("warning: {text}"));
        }
        if response.status.is_success() {
            Ok(response)
        } else {
            Err(refusal::of(&response))
        }
    }

    /// The answer to one request, read.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        body: Body,
    ) -> Result<T, Failure> {
        let response = self.send(method, url, body).await?;
        serde_json::from_slice(&response.body)
            .map_err(|_| Failure::failed("the answer is not that of a Toolvault API"))
    }

    fn no_answer(&self, error: &HttpError) -> Failure {
        let failure = Failure::failed(format!("{}: {}", self.base, with_causes(error)));
        match error {
            HttpError::Unreachable(_) | HttpError::UnknownHost(_) | HttpError::Timeout => failure
                .hint(format!(
                    "is the server running? Start it with: toolvault serve; it is looked for where {URL} says"
                )),
            _ => failure,
        }
    }
}

/// Where the environment says that the API is.
pub(crate) fn base(environment: &Environment, policy: &HttpPolicy) -> Result<Url, Failure> {
    let url = environment.get(URL).unwrap_or(DEFAULT_URL);
    policy
        .check(url)
        .map_err(|error| Failure::refused(format!("{URL}: {error}")))
}

/// The header that holds the key.
pub(crate) fn authorization(environment: &Environment) -> Result<HeaderValue, Failure> {
    let key = match (environment.get(API_KEY), environment.get(API_KEY_FILE)) {
        (Some(key), _) => zeroize::Zeroizing::new(key.trim().to_owned()),
        (None, Some(path)) => read_secret_file(path.as_ref())
            .map_err(|error| Failure::refused(format!("{API_KEY_FILE}: {error}")))?,
        (None, None) => {
            return Err(Failure::refused("there is no key for the API").hint(format!(
                "set {API_KEY}, or {API_KEY_FILE}; `toolvault serve` gave you one when it set the store up"
            )));
        }
    };
    let text = zeroize::Zeroizing::new(format!("Bearer {}", key.trim()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Failure::refused(format!("{API_KEY} is not a key")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The statuses for which somebody else than the caller is to blame.
const fn is_our_failure(status: StatusCode) -> bool {
    status.as_u16() >= 500
}
