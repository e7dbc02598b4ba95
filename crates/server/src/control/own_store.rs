//! The API on a store that this process has open, for a command without a running server.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;
use toolvault_vault::Vault;

use crate::app::App;
use crate::extract::source::LocalUid;
use crate::listener::{respond, service};
use crate::routes;
use crate::serve_error::ServeError;
use crate::settings::ServerSettings;

/// A store that this process has open, and the API on it.
#[expect(
    missing_debug_implementations,
    reason = "it gives the rights of the root key"
)]
pub struct OwnStore {
    app: App,
    router: Router,
    uid: u32,
}

impl OwnStore {
    /// The API on `vault` for the operating system user `uid`.
    pub fn new(vault: Vault, uid: u32) -> Result<Self, ServeError> {
        let app = App::new(vault, ServerSettings::local())?;
        let router = routes::local_router(app.clone());
        let router = service(app.clone(), router, CancellationToken::new());
        Ok(Self { app, router, uid })
    }

    /// The answer to `request`.
    pub async fn ask(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(LocalUid(self.uid));
        let (parts, body) = respond(self.router.clone(), request).await.into_parts();
        // Answers to local commands are in memory as a whole, so reading them cannot fail.
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        Response::from_parts(parts, body.unwrap_or_default())
    }

    /// Finishes everything in the queue, and closes the store.
    pub async fn close(self) {
        self.app.gateway.close().await;
        self.app.vault.close().await;
    }
}
