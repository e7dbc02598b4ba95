//! The transports of the API: the network, a server's socket, or this process itself.

use std::path::PathBuf;

use bytes::Bytes;
use toolvault_gateway::http::{HeaderMap, HeaderValue, Method, Url, header};
use toolvault_gateway::{GuardedClient, Response};
use toolvault_server::control::{self, Answer, ControlError, OwnStore, Request};

use super::connection::no_answer;
use crate::failure::{Failure, with_causes};
use crate::store::AS_OWNER;

/// A transport of the API.
pub(super) enum Transport {
    /// A server over the network, with a key if it needs one.
    Network {
        client: GuardedClient,
        authorization: Option<HeaderValue>,
    },
    /// The server that has this data directory open, with the rights of the root key.
    Socket(PathBuf),
    /// A store that this process has open, with the rights of the root key.
    OwnStore(OwnStore),
}

impl Transport {
    /// Sends one request.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, Failure> {
        if let Self::Network {
            client,
            authorization,
        } = self
        {
            if let Some(authorization) = authorization {
                headers.insert(header::AUTHORIZATION, authorization.clone());
            }
            let sent = client.send(method, url.as_str(), headers, Bytes::from(body));
            return sent.await.map_err(|error| no_answer(url, &error));
        }
        whole(self.open(method, url, headers, body).await?).await
    }

    /// Sends one local request. The answer is read as it comes.
    pub(super) async fn open(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let request = local_request(method, url, headers, Bytes::from(body))?;
        match self {
            Self::Network { .. } => Err(Failure::failed("only local commands can do this")),
            Self::Socket(directory) => {
                let answer = control::open(directory, request).await;
                answer.map_err(|error| unreachable_server(&error))
            }
            Self::OwnStore(store) => Ok(store.open(request).await),
        }
    }

    /// The failure of an answer that ends early.
    pub(super) fn broken(&self, error: &ControlError) -> Failure {
        match (self, error) {
            (Self::OwnStore(_), ControlError::Broken(cause)) => {
                Failure::failed(format!("cannot read the store: {}", with_causes(cause)))
            }
            _ => unreachable_server(error),
        }
    }
}

fn local_request(
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, Failure> {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = Request::builder().method(method).uri(target).body(body);
    let mut request = request.map_err(|error| Failure::failed(with_causes(&error)))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The whole answer.
pub(super) async fn whole(answer: Answer) -> Result<Response, Failure> {
    let whole = answer.whole().await.map_err(ControlError::from);
    let whole = whole.map_err(|error| unreachable_server(&error))?;
    let (parts, body) = whole.into_parts();
    Ok(Response {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}

fn unreachable_server(error: &ControlError) -> Failure {
    let failure = Failure::failed(with_causes(error));
    match error {
        ControlError::Token(source) if source.kind() == std::io::ErrorKind::NotFound => {
            failure.hint("restart the server with this version")
        }
        ControlError::Unreachable(_) | ControlError::Token(_) => failure.hint(AS_OWNER),
        ControlError::Broken(_) => failure,
    }
}
