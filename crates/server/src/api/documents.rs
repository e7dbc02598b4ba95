//! `/openapi.json` and the page that shows it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::asset::asset;
use crate::openapi;

/// The policy of every page, and also the viewer's icons, which are embedded in its style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The description of the API.
pub(crate) async fn openapi() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], openapi::text()).into_response()
}

/// A page that shows the description.
pub(crate) async fn page() -> Response {
    let mut page = asset(
        "text/html; charset=utf-8",
        include_str!("documents/page.html"),
    );
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    page.headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    page
}

/// Starts the viewer.
pub(crate) async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("documents/page.js"),
    )
}

/// The viewer, Swagger UI.
pub(crate) async fn viewer() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("documents/swagger-ui/swagger-ui-bundle.js"),
    )
}

/// The viewer's style.
pub(crate) async fn viewer_style() -> Response {
    asset(
        "text/css; charset=utf-8",
        include_str!("documents/swagger-ui/swagger-ui.css"),
    )
}
