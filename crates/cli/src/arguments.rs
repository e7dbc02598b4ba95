//! The command line as it is typed. Flags that several commands share are here, the rest is beside each
//! command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{audit, config, doctor, explain, key, mcp, secret, shut_in, user, workflow};

/// Your agent's tools get the keys. Your agent doesn't.
#[derive(Parser)]
#[command(
    name = "toolvault",
    bin_name = "toolvault",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 refused or invalid input, 2 a failure of ours or of the machine."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server; on an empty store, set it up first
    Serve(ServeOptions),
    /// Make, list, disable and delete users
    #[command(subcommand)]
    User(user::UserCommand),
    /// Make, list, revoke and rotate API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Store, list, change and delete secrets, through the API
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// Say which secret each argument of a tool would get, and why
    Explain(explain::ExplainOptions),
    /// Look at the files in which workflows of agents are kept
    #[command(subcommand)]
    Workflow(workflow::WorkflowCommand),
    /// Set up the MCP gateway: its servers, and the clients that reach them through it
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Verify and read the audit trail
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Check the installation and say how to mend it
    Doctor(doctor::DoctorOptions),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print the configuration that holds, and where each value came from
    Config(config::ConfigOptions),
    /// Shut a program in; the server does it by itself
    #[command(hide = true)]
    ShutIn(shut_in::ShutInOptions),
}

/// Where the store is. The same for the server and for the commands that work beside it.
#[derive(Args, Default)]
pub(crate) struct StoreOptions {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the embedded database [default: the platform's data directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data_dir: Option<PathBuf>,
    /// PostgreSQL database in place of the embedded one. Others on this machine see arguments: a URL with
    /// a password is better off in `TOOLVAULT_DATABASE_URL`
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// File with the root key [default: the data directory's name and .root.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) root_key_file: Option<PathBuf>,
}

/// Everything about the server that has a flag.
#[derive(Args, Default)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Address and port of the API [default: 127.0.0.1:8710]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Certificate chain in PEM: serve HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Allow plain HTTP on an address that is not loopback
    #[arg(long)]
    pub(crate) insecure_http: bool,
}

impl From<StoreOptions> for ServeOptions {
    fn from(store: StoreOptions) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }
}
