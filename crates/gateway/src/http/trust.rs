//! Which certificates of servers are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::{BoxError, HttpError};

/// TLS that trusts the system's certificates and those in the PEM file `ca_file`. Clones share what was read.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, HttpError> {
    let roots = ca_file.map(certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider));
    let verifier = verifier.map_err(|error| HttpError::Setup(error.into()))?;
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| HttpError::Setup(error.into()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The certificates in the PEM file at `path`, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let refused = |source: Option<BoxError>| HttpError::CaFile {
        path: path.to_owned(),
        source,
    };
    let pem = std::fs::read(path).map_err(|error| refused(Some(error.into())))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| refused(Some(error.into())))?;
    if certificates.is_empty() {
        return Err(refused(None));
    }
    Ok(certificates)
}
