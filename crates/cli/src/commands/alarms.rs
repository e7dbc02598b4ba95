//! `toolvault alarms`.

use clap::{Args, Subcommand};
use toolvault_gateway::alarms::Alarm;
use toolvault_vault::{Clock as _, SystemClock};

use crate::alarms::Sender;
use crate::config::{self, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum AlarmsCommand {
    /// Send a test to where the configuration sends alarms
    Test(TestOptions),
}

#[derive(Args)]
pub(crate) struct TestOptions {
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(command: AlarmsCommand, context: &Context<'_>) -> anyhow::Result<()> {
    let AlarmsCommand::Test(options) = command;
    let serve = ServeOptions::from(options.store);
    let configuration = config::load(&serve, &context.environment, context.printer)?;
    let Some(alarms) = &configuration.alarms else {
        return Err(Failure::refused("no alarms are configured")
            .hint("set alarms.url or alarms.command in the configuration")
            .into());
    };
    let sender = Sender::of(alarms, &context.environment)?;
    let now = SystemClock.now();
    // The store is not opened, so the message does not say which it is.
    let sent = sender.send(&Alarm::test(now), None, now).await;
    sent.map_err(|failure| Failure::refused(format!("the test was not taken: {}", failure.why)))?;
    Ok(context.printer.line("the test was taken")?)
}
