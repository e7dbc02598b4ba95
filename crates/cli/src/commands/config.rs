//! `toolvault config`: the effective configuration, and the source of each value.

use clap::Args;

use crate::config::{self, ServeOptions};
use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Args)]
pub(crate) struct ConfigOptions {
    #[command(flatten)]
    serve: ServeOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the configuration first, then its errors.
pub(crate) fn run(options: &ConfigOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let layers = config::collect(&options.serve, &context.environment);
    config::show(&layers, options.json, context.printer)?;
    config::load(&options.serve, &context.environment, context.printer)?;
    Ok(ExitStatus::Success)
}
