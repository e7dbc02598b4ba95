//! Requests for what another server on the database has: a session of the gateway, or a pending secret.
//!
//! Their IDs begin with the ID of the server that made them. A server that has authenticated the caller of such a
//! request seals it for that server and sends it to [`PATH`] there; [`receive`] answers it as if it had arrived on the
//! first connection. The answer is passed on as it comes. A forwarded request is not forwarded again.

pub(crate) mod receive;

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt as _, stream};
use toolvault_core::replica::{ForwardedHead, Passage};
use toolvault_gateway::http::{GuardedClient, HttpError, HttpPolicy, Opening, root_cause};
use toolvault_vault::{Error, Vault};
use uuid::Uuid;

use self::receive::Received;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::source::{Local, Peer};
use crate::request_log::{REQUEST_ID, RequestId};
use crate::settings::ReplicaSettings;

/// The path at which a server takes forwarded requests.
pub(crate) const PATH: &str = "/forwarded";
/// The sealed head of a forwarded request, in base64url.
const HEAD: HeaderName = HeaderName::from_static("toolvault-forwarded");
/// In the answer, the proof that the request was opened.
const PROOF: HeaderName = HeaderName::from_static("toolvault-forwarded-proof");
/// How long the connection to another server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long its answer may take to begin. It has limits of its own, so this is more than any of them.
const ANSWER: Duration = Duration::from_hours(1);
/// How often to look whether the other server is still there.
const LOOK: Duration = Duration::from_secs(5);

/// Headers of one connection. All others are forwarded.
const OF_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROOF,
];

/// The client for other servers.
pub(crate) struct Forwarding {
    client: GuardedClient,
}

impl Forwarding {
    /// Makes the client, and tells the other servers the URL.
    pub(crate) fn new(
        settings: &ReplicaSettings,
        insecure_http: bool,
        vault: &Vault,
    ) -> Result<Self, HttpError> {
        let policy = HttpPolicy {
            connect_timeout: CONNECT,
            total_timeout: ANSWER,
            allow_private_network: true,
            allow_plain_http: insecure_http,
            ca_file: settings.ca_file.clone(),
            ..HttpPolicy::default()
        };
        let url = policy.check(&settings.url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(HttpError::InvalidUrl);
        }
        vault.announce_url(url.as_str().trim_end_matches('/').to_owned());
        let client = GuardedClient::new(policy)?;
        Ok(Self { client })
    }
}

/// The answer of the server that made `id`. `None` if this server is to answer: it made the ID, or no server that can
/// be reached did, so that the ID is unknown.
///
/// The caller must be authenticated.
pub(crate) async fn forward(
    app: &App,
    parts: &Parts,
    id: &str,
    body: &[u8],
) -> Option<Result<Response, ApiError>> {
    let forwarding = app.forwarding.as_ref()?;
    if parts.extensions.get::<Received>().is_some() {
        return None;
    }
    let (maker, _) = id.split_once('.')?;
    let maker = Uuid::try_parse(maker).ok()?;
    let url = app.vault.replica_url(maker)?;
    let head = head_of(app, parts, maker)?;
    let Ok(sealed) = app.vault.seal_forwarded(&head, body) else {
        return Some(Err(ApiError::Internal));
    };
    let mut headers = HeaderMap::new();
    let text = HeaderValue::try_from(URL_SAFE_NO_PAD.encode(&sealed.head));
    headers.insert(HEAD, text.ok()?);
    // For the log of the other server: what it records has the one in the head.
    headers.insert(REQUEST_ID, HeaderValue::try_from(&head.request_id).ok()?);
    let url = format!("{url}{PATH}");
    let asking = forwarding
        .client
        .open(Method::POST, &url, headers, Bytes::from(sealed.body));
    let opening = tokio::select! {
        opening = asking => opening,
        () = gone(app.vault.clone(), maker) => Err(HttpError::Timeout),
    };
    match opening {
        Ok(opening) if is_proven(&opening, &sealed.passage) => {
            Some(Ok(response(opening, gone(app.vault.clone(), maker))))
        }
        Ok(opening) => {
            let status = opening.status;
            tracing::warn!(
                replica = %maker, status = status.as_u16(),
                "another server refused a request for its session: its URL leads to something else, or the clocks differ"
            );
            // A proxy before it may say anything else, also after the request was carried out.
            (status != StatusCode::NOT_FOUND).then(|| Err(Error::Unavailable(None).into()))
        }
        // It may have been carried out.
        Err(error @ (HttpError::Timeout | HttpError::Broken(_))) => {
            Some(Err(Error::Unavailable(Some(error.into())).into()))
        }
        Err(error) => {
            let cause = root_cause(&error);
            tracing::warn!(
                replica = %maker, %error, %cause,
                "another server could not be reached for its session"
            );
            None
        }
    }
}

/// The head of the request as it arrived here. `None` for a local command, which has no connection.
fn head_of(app: &App, parts: &Parts, to: Uuid) -> Option<ForwardedHead> {
    let (Peer(peer), Local(local)) = (*parts.extensions.get()?, *parts.extensions.get()?);
    let RequestId(request_id) = parts.extensions.get()?;
    let is_forwarded = |name: &HeaderName| !OF_CONNECTION.contains(name) && name != REQUEST_ID;
    let headers = parts.headers.iter().filter(|(name, _)| is_forwarded(name));
    let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    Some(ForwardedHead {
        to,
        at: app.vault.clock().now(),
        peer,
        local,
        request_id: request_id.clone(),
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
    })
}

fn is_proven(opening: &Opening, passage: &Passage) -> bool {
    let proof = opening.headers.get(PROOF);
    proof.is_some_and(|proof| passage.is_proof(proof.as_bytes()))
}

/// The other server's answer, as it comes. It ends when that server is gone.
fn response(mut opening: Opening, gone: impl Future<Output = ()> + Send + 'static) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = opening.status;
    *response.headers_mut() = std::mem::take(&mut opening.headers);
    for name in OF_CONNECTION {
        if name != header::CONTENT_LENGTH {
            response.headers_mut().remove(name);
        }
    }
    let pieces = stream::unfold(opening, |mut opening| async {
        let piece = opening.chunk().await.transpose()?;
        Some((piece, opening))
    });
    *response.body_mut() = Body::from_stream(pieces.take_until(gone));
    response
}

/// Completes when the other server has not been heard of for too long.
async fn gone(vault: Vault, replica: Uuid) {
    while vault.replica_url(replica).is_some() {
        tokio::time::sleep(LOOK).await;
    }
}
