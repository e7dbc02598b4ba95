//! TLS for the listener: TLS 1.2 and 1.3 by rustls with the one cryptographic provider.

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

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why the certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds no such thing in PEM.
    #[error("cannot read {what} from {path}")]
    Read {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used together")]
    Configure(#[source] rustls::Error),
}

/// The certificate that connections are given. It follows its files.
pub(crate) struct Certificate(RwLock<Loaded>);

/// Device, number, time of change (seconds, nanoseconds) and size: a file with another stamp may have other content.
type Stamp = (u64, u64, i64, i64, u64);

/// What was read from the files.
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

    /// What the next connection is accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.0.read().acceptor.clone()
    }

    /// Presents `loaded` from now on. Returns whether the certificate is another one.
    pub(crate) fn replace(&self, loaded: Loaded) -> bool {
        let mut current = self.0.write();
        let is_other = current.chain != loaded.chain;
        *current = loaded;
        is_other
    }

    /// Reads the files again whenever they have changed. What cannot be used changes nothing.
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
                        tracing::info!("the TLS certificate was read again");
                    }
                }
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the TLS certificate cannot be read again; the old one stays in use"
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
