//! What the operations on tool calls answer.

pub(super) mod completed;
pub(super) mod explained;

use serde_json::Value;

use crate::error::ApiError;

/// The status, the result and the detail of one of several calls, as it would have got them as a single request.
fn parts<T>(result: Result<T, ApiError>) -> (u16, Option<T>, Option<Value>) {
    match result {
        Ok(result) => (200, Some(result), None),
        Err(error) => {
            let (status, _, body) = error.parts();
            (status.as_u16(), None, Some(body.detail()))
        }
    }
}
