//! The API as the command line uses it: over HTTP, with a key from the environment.

mod refusal;

use std::time::Duration;

use serde::de::DeserializeOwned;
use toolvault_gateway::http::{HeaderMap, HeaderValue, Method, StatusCode, Url, header};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy, Response};
use toolvault_vault::SecretInfo;

use crate::commands::Context;
use crate::config::read_secret_file;
use crate::environment::{API_KEY, API_KEY_FILE, Environment, URL};
use crate::failure::{Failure, with_causes};
use crate::printer::Printer;

const DEFAULT_URL: &str = "http://127.0.0.1:8710";
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer, in bytes: a list of a thousand secrets with the longest names.
const LARGEST_ANSWER: usize = 32 << 20;
/// What a list answers at most at a time.
const PORTION: usize = 1_000;

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

    /// The URL of one secret.
    pub(crate) fn secret_url(&self, secret: &SecretInfo) -> Url {
        self.url(&["secrets", &secret.secret_id.to_string()])
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

    /// All secrets or, if `name` is given, those of that name; oldest first.
    pub(crate) async fn list_secrets(
        &self,
        name: Option<&str>,
    ) -> Result<Vec<SecretInfo>, Failure> {
        #[derive(serde::Deserialize)]
        struct List {
            data: Vec<SecretInfo>,
            total: usize,
        }
        let mut secrets = Vec::new();
        loop {
            let mut url = self.url(&["secrets", ""]);
            url.query_pairs_mut()
                .append_pair("limit", &PORTION.to_string())
                .append_pair("offset", &secrets.len().to_string())
                .extend_pairs(name.map(|name| ("secret_name", name)));
            let list: List = self.fetch(Method::GET, &url, Body::Nothing).await?;
            let is_last = list.data.len() < PORTION;
            secrets.extend(list.data);
            if is_last || secrets.len() >= list.total {
                return Ok(secrets);
            }
        }
    }

    /// The one secret whose id or name this is.
    pub(crate) async fn find_secret(&self, text: &str) -> Result<SecretInfo, Failure> {
        if uuid::Uuid::try_parse(text).is_ok() {
            let url = self.url(&["secrets", text]);
            match self.fetch(Method::GET, &url, Body::Nothing).await {
                // It may be the name of another one.
                Err(failure) if failure.is_not_found => {}
                found => return found,
            }
        }
        let mut named = self.list_secrets(Some(text)).await?;
        match (named.pop(), named.len()) {
            (None, _) => Err(Failure::refused(format!("there is no secret '{text}'"))),
            (Some(secret), 0) => Ok(secret),
            (Some(last), _) => {
                named.push(last);
                let ids: Vec<String> = named
                    .iter()
                    .map(|secret| secret.secret_id.to_string())
                    .collect();
                Err(Failure::refused(format!(
                    "several secrets are called '{text}': {}",
                    ids.join(", ")
                ))
                .hint("name one by its id"))
            }
        }
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
