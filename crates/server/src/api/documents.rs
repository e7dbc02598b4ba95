//! `/openapi.json` and the page that shows it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::asset::asset;
use crate::openapi;

/// The description of the API.
pub(crate) async fn openapi() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], openapi::text()).into_response()
}

/// A page that shows the description.
pub(crate) async fn page() -> Response {
    asset(
        "text/html; charset=utf-8",
        include_str!("documents/page.html"),
    )
}

/// The page's script.
pub(crate) async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("documents/page.js"),
    )
}

/// The page's style.
pub(crate) async fn style() -> Response {
    asset(
        "text/css; charset=utf-8",
        include_str!("documents/page.css"),
    )
}
