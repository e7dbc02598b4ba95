//! The command line. Each command has a file.

pub(crate) mod alarms;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod inject;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mcp;
pub(crate) mod open;
pub(crate) mod openapi;
pub(crate) mod profile;
pub(crate) mod ready;
pub(crate) mod reload;
pub(crate) mod restore;
pub(crate) mod rotate;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod user;

use clap::{Parser, Subcommand};

use crate::config::ServeOptions;
use crate::context::Context;
use crate::failure::ExitStatus;

/// Your agent's tools get the keys. Your agent doesn't.
#[derive(Parser)]
#[command(
    name = "toolvault",
    bin_name = "toolvault",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 refused or invalid input, 2 an error of Toolvault or of the machine."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server, and set up an empty store first
    Serve(ServeOptions),
    /// Import the MCP servers of all clients on this machine, and test them
    Init(init::InitOptions),
    /// Print a link that opens the dashboard, signed in
    Open(open::OpenOptions),
    /// Sign in to a server, and keep its URL and the key in a profile
    Login(login::LoginOptions),
    /// Forget a profile and its key
    Logout(logout::LogoutOptions),
    /// List, choose and show profiles
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Create, list, change and delete users
    #[command(subcommand)]
    User(user::UserCommand),
    /// Create, list, revoke and rotate API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Store, list, change and delete secrets
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// Explain which secret each argument of a tool gets
    Explain(explain::ExplainOptions),
    /// Run a command with secrets in its environment
    Run(run::RunOptions),
    /// Write a file from a template with secrets
    Inject(inject::InjectOptions),
    /// Manage the servers of the MCP gateway, and connect clients to it
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Decide the calls of tools that wait for a person
    #[command(subcommand)]
    Approval(approval::ApprovalCommand),
    /// Make the running server reload its configuration
    Reload(reload::ReloadOptions),
    /// Try the alarms
    #[command(subcommand)]
    Alarms(alarms::AlarmsCommand),
    /// Verify and read the audit trail
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Write a backup of the whole store to a file, or check one
    Backup(backup::BackupOptions),
    /// Restore a backup into a new store, on either database
    Restore(restore::RestoreOptions),
    /// Replace the root key, or the keys of all users
    #[command(subcommand)]
    Rotate(rotate::RotateCommand),
    /// Show an overview of the installation
    Status(status::StatusOptions),
    /// Check the installation and suggest fixes
    Doctor(doctor::DoctorOptions),
    /// Check that the server is ready, as health checks do; it needs no key
    Ready(ready::ReadyOptions),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print the effective configuration and the source of each value
    Config(config::ConfigOptions),
    /// Print a script that completes commands in a shell
    Completions(completions::CompletionsOptions),
    /// Print the names of secrets; the scripts of completions call this
    #[command(name = completions::names::COMMAND, hide = true)]
    SecretNames(completions::names::NamesOptions),
    /// Write the manual pages to a directory; scripts/release calls this
    #[command(hide = true)]
    Man(completions::ManOptions),
    /// Run a program in a sandbox; the server calls this
    #[command(hide = true)]
    Sandbox(sandbox::SandboxOptions),
}

/// Runs one command.
pub(crate) async fn run(command: Command, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Serve(options) => Box::pin(serve::run(options, context)).await,
        Command::Init(options) => init::run(&options, context).await,
        Command::Open(options) => open::run(options, context).await,
        Command::Login(options) => login::run(&options, context).await,
        Command::Logout(options) => logout::run(&options, context).await,
        Command::Profile(command) => profile::run(&command, context),
        Command::User(command) => user::run(command, context).await,
        Command::Key(command) => key::run(command, context).await,
        Command::Secret(command) => secret::run(command, context).await,
        Command::Explain(options) => explain::run(options, context).await,
        Command::Run(options) => run::run(options, context).await,
        Command::Inject(options) => inject::run(&options, context).await,
        Command::Mcp(command) => mcp::run(command, context).await,
        Command::Approval(command) => approval::run(command, context).await,
        Command::Reload(options) => reload::run(options, context).await,
        Command::Alarms(command) => {
            alarms::run(command, context).await?;
            Ok(ExitStatus::Success)
        }
        Command::Audit(command) => audit::run(command, context).await,
        Command::Backup(options) => backup::run(options, context).await,
        Command::Restore(options) => restore::run(options, context).await,
        Command::Rotate(command) => rotate::run(command, context).await,
        Command::Status(options) => status::run(options, context).await,
        Command::Doctor(options) => doctor::run(options, context).await,
        Command::Ready(options) => ready::run(options, context).await,
        Command::Openapi => openapi::run(context),
        Command::Config(options) => config::run(&options, context),
        Command::Completions(options) => completions::run(&options, context),
        Command::SecretNames(options) => completions::names::run(&options, context).await,
        Command::Man(options) => completions::write_manual(&options),
        Command::Sandbox(options) => sandbox::run(options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    /// A paragraph with line breaks of its own is broken again where the terminal is narrower, into long and short lines.
    fn assert_unbroken(command: &clap::Command) {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        for (line, next) in help.lines().zip(help.lines().skip(1)) {
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
            assert!(
                !is_prose(line) || !is_prose(next),
                "{}: {line}",
                command.get_name()
            );
        }
        command.get_subcommands().for_each(assert_unbroken);
    }

    #[test]
    fn a_paragraph_of_help_is_one_line() {
        assert_unbroken(&Arguments::command());
    }
}
