//! `toolvault config`: what holds, and where each value came from.

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

/// Shows the configuration first and then what is wrong with it.
pub(crate) fn run(options: &ConfigOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let layers = config::collect(&options.serve, &context.environment);
    config::show(&layers, options.json, context.printer)?;
    config::load(&options.serve, &context.environment, context.printer)?;
    Ok(ExitStatus::Success)
}
