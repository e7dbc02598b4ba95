//! `toolvault openapi`: prints the OpenAPI document.

use crate::context::Context;
use crate::failure::ExitStatus;

pub(crate) fn run(context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    context
        .printer
        .json(&toolvault_server::openapi_document())?;
    Ok(ExitStatus::Success)
}
