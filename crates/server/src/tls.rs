//! TLS 1.2 and 1.3 for the listener, by rustls with the aws-lc provider.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::settings::TlsFiles;

/// How often the files are checked.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why the certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or has no such part in PEM.
    #[error("cannot read {what} from {path}")]
    Read {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// The cause.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not match, or are of an unsupported kind.
    #[error("the certificate and the key cannot be used together")]
    Configure(#[source] rustls::Error),
}

/// The certificate for new connections. It is reloaded when its files change.
pub(crate) struct Certificate(RwLock<Loaded>);

/// Device, inode, time of change (seconds, nanoseconds) and size. If one differs, the content may have changed.
type Stamp = (u64, u64, i64, i64, u64);

/// The content of the files.
pub(crate) struct Loaded {
    files: TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    acceptor: TlsAcceptor,
}

impl Loaded {
    /// Reads the files.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Read { what, path, source }
        };
        let chain = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(failed("a certificate chain", &files.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(failed("a private key", &files.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configure)?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key)
            .map_err(TlsError::Configure)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            files: files.clone(),
            chain,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}

impl Certificate {
    pub(crate) fn new(loaded: Loaded) -> Self {
        Self(RwLock::new(loaded))
    }

    /// Accepts the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.0.read().acceptor.clone()
    }

    /// Uses `loaded` from now on. Returns whether the certificate is a different one.
    pub(crate) fn replace(&self, loaded: Loaded) -> bool {
        let mut current = self.0.write();
        let is_other = current.chain != loaded.chain;
        *current = loaded;
        is_other
    }

    /// Reloads the files whenever they change. Unusable files change nothing.
    pub(crate) async fn follow(&self, shutdown: CancellationToken) {
        let mut known = self.stamps();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let found = self.stamps();
            if found == known {
                continue;
            }
            known = found;
            let files = self.0.read().files.clone();
            match Loaded::read(&files) {
                Ok(loaded) => {
                    if self.replace(loaded) {
                        tracing::info!("the TLS certificate was reloaded");
                    }
                }
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot reload the TLS certificate; the old one stays in use"
                ),
            }
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        use std::os::unix::fs::MetadataExt as _;
        let files = self.0.read().files.clone();
        [files.certificate, files.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            let (device, file) = (found.dev(), found.ino());
            let (seconds, nanoseconds) = (found.mtime(), found.mtime_nsec());
            Some((device, file, seconds, nanoseconds, found.size()))
        })
    }
}
