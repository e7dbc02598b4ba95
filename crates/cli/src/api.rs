//! The command line's client of the API.
//!
//! Every command sends the same requests. [`Api::connect`] sends them over the network with a key from the environment or
//! a profile,
//! [`Api::with_store`] to the store on this machine with the rights of the root key.

pub(crate) mod approvals;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod explain;
pub(crate) mod keys;
mod listener;
pub(crate) mod local;
pub(crate) mod pins;
mod refusal;
pub(crate) mod resolve;
pub(crate) mod secrets;
mod transport;
pub(crate) mod users;

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toolvault_gateway::http::{HeaderMap, HeaderValue, Method, StatusCode, Url, header};
use toolvault_gateway::{HttpPolicy, Response};
use toolvault_server::control::OwnStore;

use self::connection::{ConnectionOptions, Role, Server};
use self::transport::Transport;
use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{Failure, with_causes};
use crate::printer::Printer;
use crate::store::{self, Store};

/// Local requests have a path and no host.
const LOCAL_URL: &str = "http://local";
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer, in bytes: a list of a thousand secrets with the longest names.
const LARGEST_ANSWER: usize = 32 << 20;

/// The API, over one of its transports.
pub(crate) struct Api<'a> {
    transport: Transport,
    base: Url,
    /// The profile whose key it uses.
    profile: Option<String>,
    /// What warnings are about, in a command that does several things.
    subject: RefCell<Option<String>>,
    printer: &'a Printer,
}

/// The body of a request.
pub(crate) enum Body {
    Nothing,
    Json(Vec<u8>),
    Octets(Vec<u8>),
}

impl Body {
    /// The value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        // Only maps with non-string keys fail to serialise, and requests have none.
        Self::Json(serde_json::to_vec(value).unwrap_or_default())
    }
}

/// The answer of a list without pages.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
}

impl<'a> Api<'a> {
    /// The API of the server in the environment or in the profile.
    pub(crate) async fn connect(
        options: &ConnectionOptions,
        context: &Context<'a>,
    ) -> Result<Self, Failure> {
        let server = Server::of(options, &context.environment)?;
        let policy = server.policy();
        let base = server.url(&policy)?;
        let authorization = server.authorization(&base, Role::Operator).await?;
        let api = Self::at(base, policy, Some(authorization), context.printer)?;
        Ok(Self {
            profile: server.profile_name().map(str::to_owned),
            ..api
        })
    }

    /// The API at a URL, with the header that holds the key, or without a key.
    pub(crate) fn at(
        base: Url,
        policy: HttpPolicy,
        authorization: Option<HeaderValue>,
        printer: &'a Printer,
    ) -> Result<Self, Failure> {
        let policy = HttpPolicy {
            total_timeout: TIMEOUT,
            max_body_bytes: LARGEST_ANSWER,
            ..policy
        };
        let client = connection::client(policy)?;
        Ok(Self {
            transport: Transport::Network {
                client,
                authorization,
            },
            base,
            profile: None,
            subject: RefCell::default(),
            printer,
        })
    }

    /// The API on the store of `configuration`, with the rights of the root key.
    pub(crate) async fn open(
        configuration: &Configuration,
        printer: &'a Printer,
    ) -> Result<Self, Failure> {
        let transport = match store::open(configuration).await? {
            Store::Own(vault) => OwnStore::new(vault, store::own_uid())
                .map(Transport::OwnStore)
                .map_err(|error| Failure::failed(with_causes(&error)))?,
            Store::Served(directory) => Transport::Socket(directory),
        };
        let base = Url::parse(LOCAL_URL).map_err(|error| Failure::failed(with_causes(&error)))?;
        Ok(Self {
            transport,
            base,
            profile: None,
            subject: RefCell::default(),
            printer,
        })
    }

    /// Runs `work` with the API on the store that the options name, then closes the store.
    pub(crate) async fn with_store<T>(
        options: StoreOptions,
        context: &Context<'a>,
        work: impl AsyncFnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let options = ServeOptions::from(options);
        let configuration = config::load(&options, &context.environment, context.printer)?;
        let api = Self::open(&configuration, context.printer).await?;
        let done = work(&api).await;
        api.close().await;
        done
    }

    /// The data directory of the running server that local commands go through.
    pub(crate) fn served_directory(&self) -> Option<&Path> {
        match &self.transport {
            Transport::Socket(directory) => Some(directory),
            Transport::Network { .. } | Transport::OwnStore(_) => None,
        }
    }

    /// Closes the store, if this process has it open.
    pub(crate) async fn close(self) {
        if let Transport::OwnStore(store) = self.transport {
            store.close().await;
        }
    }

    /// The server's URL, as people know it.
    pub(crate) fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Says in warnings what they are about, from now on.
    pub(crate) fn warn_about(&self, subject: &str) {
        self.subject.replace(Some(subject.to_owned()));
    }

    /// Where secrets go, for the plan of an import.
    pub(crate) fn destination(&self) -> String {
        let profile = self.profile.as_ref();
        let profile = profile.map_or_else(String::new, |name| format!(" (profile {name})"));
        format!("Secrets go to {}{profile}", self.server())
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

    /// A URL that only local commands may use.
    fn local_url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("local").extend(segments);
        }
        url
    }

    /// Sends one request and returns the answer; any status except 2xx is a failure.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Body,
    ) -> Result<Response, Failure> {
        self.send_with(HeaderMap::new(), method, url, body).await
    }

    /// Sends one request with these headers, as [`Self::send`] does.
    pub(crate) async fn send_with(
        &self,
        mut headers: HeaderMap,
        method: Method,
        url: &Url,
        body: Body,
    ) -> Result<Response, Failure> {
        let (kind, body) = match body {
            Body::Nothing => (None, Vec::new()),
            Body::Json(body) => (Some("application/json"), body),
            Body::Octets(body) => (Some("application/octet-stream"), body),
        };
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let response = self.transport.send(method, url, headers, body).await?;
        for warning in response.headers.get_all("toolvault-warning") {
            let text = String::from_utf8_lossy(warning.as_bytes());
            let about = self.subject.borrow();
            let about = about
                .as_ref()
                .map_or_else(String::new, |about| format!("{about}: "));
            self.printer.error_line(&format!("warning: {about}{text}"));
        }
        if response.status.is_success() {
            Ok(response)
        } else {
            Err(self.with_advice(refusal::of(&response)))
        }
    }

    /// Says which key was not accepted.
    fn with_advice(&self, failure: Failure) -> Failure {
        if failure.is_unauthenticated {
            failure.hint(connection::refused_key(self.profile.as_deref()))
        } else {
            failure
        }
    }

    /// Sends one request and parses the answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        body: Body,
    ) -> Result<T, Failure> {
        read(&self.send(method, url, body).await?)
    }
}

/// Parses an answer.
pub(crate) fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    serde_json::from_slice(&response.body).map_err(|_| {
        Failure::failed("the answer is not from a Toolvault server")
            .hint("check the URL: toolvault profile show")
    })
}

/// The only item with this name.
fn only_one<T>(
    mut found: Vec<T>,
    kind: &str,
    name: &str,
    id: impl Fn(&T) -> String,
) -> Result<T, Failure> {
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(id).collect();
        let message = format!("several {kind}s are called '{name}': {}", ids.join(", "));
        return Err(Failure::refused(message).hint("name one by its ID"));
    }
    found.pop().ok_or_else(|| {
        Failure::refused(format!("there is no {kind} '{name}'"))
            .hint(format!("toolvault {kind} list shows them"))
    })
}

/// The statuses that are not the caller's fault.
const fn is_our_failure(status: StatusCode) -> bool {
    status.as_u16() >= 500
}
