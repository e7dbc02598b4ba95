//! Who may send local commands through the socket: the server's own user and root, with the server's token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::token::Token;
use crate::error::ERROR_CODE;
use crate::extract::source::LocalUid;

/// The header that carries the token.
pub(super) const TOKEN: HeaderName = HeaderName::from_static("toolvault-control-token");
const ROOT: u32 = 0;

/// The user of the process at the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerUid(pub(super) u32);

pub(super) struct Gate {
    pub(super) own_uid: u32,
    pub(super) token: Token,
}

/// Marks an admitted request as local, and refuses any other.
pub(super) async fn admit(
    State(gate): State<Arc<Gate>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(&PeerUid(uid)) = request.extensions().get() else {
        return refuse("the peer of the control socket is unknown");
    };
    let presented = request.headers_mut().remove(TOKEN);
    let presented = presented
        .as_ref()
        .map_or(&b""[..], |value| value.as_bytes());
    if let Some(reason) = gate.refusal(uid, presented) {
        tracing::warn!(peer.uid = uid, reason, "a local command was refused");
        return refuse(reason);
    }
    request.extensions_mut().insert(LocalUid(uid));
    next.run(request).await
}

impl Gate {
    /// Why a peer is refused; `None` if it is admitted.
    pub(super) fn refusal(&self, peer_uid: u32, presented: &[u8]) -> Option<&'static str> {
        if peer_uid != self.own_uid && peer_uid != ROOT {
            return Some("the server takes local commands only from its own user and from root");
        }
        if !self.token.is(presented) {
            return Some(
                "the command lacks the token from control.token; check that the command line and the server are the same version",
            );
        }
        None
    }
}

fn refuse(reason: &str) -> Response {
    let code = [(ERROR_CODE, "local_command_refused")];
    let body = Json(json!({ "detail": reason }));
    (StatusCode::FORBIDDEN, code, body).into_response()
}
