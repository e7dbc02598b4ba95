//! The API on a store that this process has open, for a command without a running server.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use toolvault_vault::Vault;

use super::answer::Answer;
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

    /// The whole answer to `request`.
    pub async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, axum::Error> {
        self.open(request).await.whole().await
    }

    /// The answer to `request`, which is read as it comes.
    pub async fn open(&self, request: Request<Bytes>) -> Answer {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(LocalUid(self.uid));
        Answer::new(respond(self.router.clone(), request).await)
    }

    /// Finishes everything in the queue, and closes the store.
    pub async fn close(self) {
        self.app.gateway.close().await;
        self.app.vault.close().await;
    }
}
