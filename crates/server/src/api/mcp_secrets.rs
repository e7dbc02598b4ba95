//! `/mcp-secrets/{pending_id}`: the page on which a user stores the secret that their agent's call needs.
//!
//! The page is the same for every ID. It asks for the user's key and calls `/v1/pending-secrets` with it.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::asset::asset;
use crate::extract::reached::Reached;

/// The page.
pub(crate) async fn page(_reached: Reached) -> Response {
    unstored(asset(
        "text/html; charset=utf-8",
        include_str!("mcp_secrets/page.html"),
    ))
}

/// The page's script.
pub(crate) async fn script() -> Response {
    unstored(asset(
        "text/javascript; charset=utf-8",
        include_str!("mcp_secrets/page.js"),
    ))
}

/// The page's style.
pub(crate) async fn style() -> Response {
    unstored(asset(
        "text/css; charset=utf-8",
        include_str!("mcp_secrets/page.css"),
    ))
}

fn unstored(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
