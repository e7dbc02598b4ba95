//! The description of the API (`OpenAPI` 3.1), generated from the handlers.

use serde_json::Value;

use crate::routes;

/// The whole document.
pub fn document() -> Value {
    let document = routes::api().into_openapi();
    serde_json::to_value(document).unwrap_or(Value::Null)
}
