//! `/` and `/dashboard/…`: the web page for people. It uses the API as any other client does.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use toolvault_core::digest::{hexadecimal, sha256};

use super::asset::asset;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::reached::Reached;

const PAGE: &str = "index.html";
/// It also shows images that the page itself draws, and has forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// A file of the page.
struct File {
    content: &'static [u8],
    content_type: &'static str,
    /// Its digest.
    tag: HeaderValue,
}

static FILES: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    let files: &[(&'static str, &'static [u8])] =
        &include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));
    let file = |&(name, content): &(&'static str, &'static [u8])| {
        let tag = format!("\"{}\"", hexadecimal(&sha256(content)));
        let file = File {
            content,
            content_type: content_type(name),
            tag: HeaderValue::try_from(tag).ok()?,
        };
        Some((name, file))
    };
    files.iter().filter_map(file).collect()
});

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    _reached: Reached,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, PAGE, &headers)
}

/// A part of the page.
pub(crate) async fn part(
    State(app): State<App>,
    _reached: Reached,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &name, &headers)
}

fn serve(app: &App, name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let file = FILES.get(name).filter(|_| app.settings.dashboard.enabled);
    let file = file.ok_or(ApiError::NoSuchRoute)?;
    let is_known = headers.get(header::IF_NONE_MATCH) == Some(&file.tag);
    let mut response = asset(file.content_type, file.content);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = axum::body::Body::empty();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // Kept, but asked for again each time: a new version is seen at once.
        (header::CACHE_CONTROL, "no-cache"),
        (SAME_ORIGIN_OPENER, "same-origin"),
        (SAME_ORIGIN_RESOURCE, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::ETAG, file.tag.clone());
    Ok(response)
}

/// Pages of other origins that open the page, or that it opens, get no handle of its window.
const SAME_ORIGIN_OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Pages of other origins cannot load its parts.
const SAME_ORIGIN_RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
