//! What an operator may set about the gateway, validated. The command line fills it.

mod approval;
mod name;
mod oauth;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

pub use self::approval::ApprovalRules;
pub use self::name::{ServerName, ServerNameError};
pub use self::oauth::{Grant, OAuthSettings};
pub use self::template::{Part, Template, TemplateError};
use crate::http::HeaderName;
use crate::http::header::AUTHORIZATION;

/// The servers that are reached through the gateway, and the rules for all of them.
#[derive(Clone, Debug, Default)]
pub struct GatewaySettings {
    /// The servers by name.
    pub servers: BTreeMap<ServerName, ServerSettings>,
    /// Whether a default applies whose pattern does not begin with the name of one server.
    pub allow_broad_patterns: bool,
    /// Hosts, with a port where it is not the scheme's own, under which clients may ask beside loopback.
    pub allowed_hosts: Vec<String>,
    /// Where clients reach the gateway, for the URLs of its pages; `None` for the address it listens on.
    pub public_url: Option<String>,
    /// How programs on this machine are sandboxed.
    pub sandbox: Sandbox,
    /// What such programs must not read: the data directory, the root key and the configuration.
    pub concealed: Vec<PathBuf>,
    /// Variables of our own environment that programs get: those of which [`is_inherited`](crate::stdio::is_inherited) is true.
    pub inherited: Vec<(String, String)>,
    /// How much to keep, for how long, and how large it may be.
    pub limits: GatewayLimits,
}

/// One server and what is special about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// How it is reached.
    pub transport: Transport,
    /// Arguments that are hidden even while no secret serves them.
    pub credential_arguments: BTreeSet<String>,
    /// Whether a value that the model supplies for a hidden argument is kept.
    pub allow_override: bool,
    /// Which of its tools are withheld when they change.
    pub pin: Pin,
    /// Which of its tools a person must allow.
    pub approval: ApprovalRules,
    /// Whether it gets the secure parameters of its tools apart from their arguments (`com.google.cloud/toolbox.v1`).
    pub secure_parameters: bool,
}

/// Which tools of a server are withheld when their definitions change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    /// Those that get a secret, before or after the change, or that a person must allow.
    #[default]
    Bound,
    /// All.
    All,
    /// None: a change is only recorded.
    Off,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP.
    Http(HttpServer),
    /// A program on this machine, over its standard input and output.
    Stdio(StdioServer),
    /// Not by this gateway: another one relays its messages, and asks about them.
    Elsewhere,
}

/// A server over Streamable HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpServer {
    /// Its URL; references only in path and query.
    pub url: Template,
    /// Headers that each request carries.
    pub headers: Vec<Header>,
    /// Whether its address may be private or loopback.
    pub allow_private_network: bool,
    /// A PEM file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How tokens for it are got. Has no effect where it has a header `Authorization`.
    pub oauth: OAuthSettings,
}

impl HttpServer {
    /// Whether tokens can be used at it: each request has room for one, and its URL is the same for everyone.
    pub(crate) fn takes_tokens(&self) -> bool {
        let mut headers = self.headers.iter();
        headers.all(|header| header.name != AUTHORIZATION) && self.url.references().next().is_none()
    }
}

/// A header that each request to a server carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its name as it was spelled: its value is resolved as argument `headers.<spelling>`.
    pub spelling: String,
    /// Its value.
    pub value: Template,
}

/// A program that speaks MCP over its standard input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StdioServer {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// Variables of its environment, beside the few that every program gets.
    pub env: BTreeMap<String, Template>,
    /// Its working directory; `None` for an empty temporary directory.
    pub directory: Option<PathBuf>,
}

/// How programs on this machine are sandboxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// With what the system has; a warning where it has nothing.
    #[default]
    Auto,
    /// Programs do not start if the system has no sandbox for them.
    On,
    /// Not at all.
    Off,
}

/// How much to keep, for how long, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// For how long a session may be idle.
    pub session_idle: Duration,
    /// Sessions of all callers. One user may have half of them, or as many as one caller if that is more.
    pub sessions: usize,
    /// Sessions of one caller; one more ends the one that was idle longest.
    pub sessions_per_caller: usize,
    /// For how long a program may be idle before it is ended.
    pub process_idle: Duration,
    /// Programs at a time, of all callers. One user may have half of them, or as many as one caller if that is more.
    pub processes: usize,
    /// Programs of one caller.
    pub processes_per_caller: usize,
    /// Largest message, in bytes.
    pub message_bytes: usize,
    /// For how long a server may be silent in the middle of a request.
    pub silence: Duration,
    /// How long a call waits for a person before its client is told to repeat it.
    pub approval_wait: Duration,
    /// How long a person has to decide about a call.
    pub approval_timeout: Duration,
}

impl GatewayLimits {
    /// How many sessions one user may have. A user can have many keys, each of which is a caller.
    pub(crate) fn sessions_per_user(&self) -> usize {
        (self.sessions / 2).max(self.sessions_per_caller)
    }

    /// How many programs one user may have at a time.
    pub(crate) fn processes_per_user(&self) -> usize {
        (self.processes / 2).max(self.processes_per_caller)
    }
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_hours(1),
            sessions: 4_096,
            sessions_per_caller: 64,
            process_idle: Duration::from_mins(15),
            processes: 256,
            processes_per_caller: 32,
            message_bytes: 16 << 20,
            silence: Duration::from_mins(5),
            approval_wait: Duration::from_secs(50),
            approval_timeout: Duration::from_mins(10),
        }
    }
}
