//! The description of the API (`OpenAPI` 3.1), generated from the handlers.
//!
//! The attributes of the handlers refer to the modules below: `parameters`, `requests`, `words`, `successes` and
//! `errors`. Answers describe themselves: each is the return type of its handler. `conventions` then rewords the
//! document as `FastAPI` would, so that it contains every element of the original's document unchanged. Start at
//! [`document`].

mod conventions;
pub(crate) mod errors;
pub(crate) mod parameters;
pub(crate) mod requests;
mod response;
pub(crate) mod schemas;
pub(crate) mod successes;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, OAuth2, SecurityScheme,
};
use utoipa::{Modify, OpenApi};

use crate::api::secrets;
use crate::wire::{ValidationError, ValidationErrors};
use crate::{error, routes};

/// The whole document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(generate);
    &DOCUMENT
}

/// The whole document as it is served.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    &TEXT
}

fn generate() -> Value {
    let document = Description::openapi().merge_from(routes::api().into_openapi());
    let mut document = serde_json::to_value(document).unwrap_or(Value::Null);
    conventions::apply(&mut document);
    document
}

/// The parts of the document that belong to no single operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "IO Intelligence",
        version = "1.0",
        description = include_str!("openapi/description.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    security(("sec0" = [])),
    tags(
        (name = "agents", description = "Secrets. No answer holds a value."),
        (name = "tools", description = "Completing tool calls, for the trusted runtimes that make them."),
        (name = "keys", description = "API keys."),
        (name = "account", description = "The caller's rights and usage."),
        (name = "session", description = "Sessions of the dashboard, for people."),
        (name = "gateway", description = "The servers of the MCP gateway."),
        (name = "audit", description = "The audit trail."),
        (name = "users", description = "Users, for administrators."),
        (name = "server", description = "Health and metrics, for operators."),
    ),
    components(schemas(
        secrets::SecretInfo,
        error::Error,
        ValidationErrors,
        ValidationError,
        error::Unresolved,
        error::UnresolvedArgument
    )),
    modifiers(&SecuritySchemes)
)]
struct Description;

/// `sec0` comes from the original and means nothing; the others are the headers of `parameters::Credentials`.
struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("sec0", SecurityScheme::OAuth2(OAuth2::new([])));
        let key =
            "An API key, or a token of a configured issuer; the scheme `Bearer` may be left out.";
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(key))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        for (scheme, header, description) in [
            ("api_key", "x-api-key", "An API key."),
            ("token", "token", "A token (JWT) of a configured issuer."),
        ] {
            let value = ApiKeyValue::with_description(header, description);
            components.add_security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Header(value)));
        }
        let cookie = "The session of the dashboard, with its token in the header `X-CSRF-Token`. Over plain HTTP on \
                      the server's own machine the cookie is `toolvault-session`. The name of either ends with `-` and \
                      the port, if that is not a default one.";
        let cookie = ApiKeyValue::with_description("__Host-toolvault-session", cookie);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}
