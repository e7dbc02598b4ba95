//! The flags that are settings. They are the highest layer.

use std::path::PathBuf;

use clap::Args;

/// The location of the store, for the server and for local commands.
#[derive(Args, Clone, Default)]
pub(crate) struct StoreOptions {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the embedded database [default: the platform's data directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use this PostgreSQL database instead of the embedded one. Other users of this machine can see arguments:
    /// put a URL with a password in `TOOLVAULT_DATABASE_URL`
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    #[arg(
        long,
        value_name = "FILE",
        help = "File with the root key [default: `<data-dir>.root.key`]"
    )]
    pub(crate) root_key_file: Option<PathBuf>,
}

impl StoreOptions {
    /// The flags that name the root key, for another command with them.
    pub(crate) fn root_key_flags(&self) -> String {
        let flags = [
            ("--config", &self.config),
            ("--data-dir", &self.data_dir),
            ("--root-key-file", &self.root_key_file),
        ];
        let given = flags.into_iter();
        given
            .filter_map(|(name, path)| Some(format!(" {name} {}", path.as_ref()?.display())))
            .collect()
    }
}

/// Every setting of the server that has a flag.
#[derive(Args, Default)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Address and port of the API [default: 127.0.0.1:8710]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Certificate chain in PEM, to serve HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Write the first keys of a new store to this file [default: print them on a terminal; else a file beside
    /// the root key]
    #[arg(long, value_name = "FILE")]
    pub(crate) first_keys_file: Option<PathBuf>,
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
