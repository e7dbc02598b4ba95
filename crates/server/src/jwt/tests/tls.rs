//! Keys over https from an issuer with a certificate of a private CA.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{IssuerConfig, JwtError, JwtVerifier};
use super::issuer::{Signer, token};
use super::{NOW, at, claims, header, minimal};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn server_config(authority: &Authority, name: &str) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate: CertificateDer<'static> =
        parameters.signed_by(&key, authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Serves the issuer's keys over TLS for ever; the port it listens on.
async fn serve(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let body = json!({"keys": [Signer::all()[2].jwk()]}).to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    port
}

async fn verify(port: u16, ca: Option<&Authority>) -> Result<(), JwtError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    if let Some(authority) = ca {
        std::fs::write(file.path(), authority.pem()).unwrap();
    }
    let config = IssuerConfig {
        jwks_url: Some(format!("https://127.0.0.1:{port}/jwks")),
        allow_private_network: true,
        ca_file: ca.map(|_| file.path().to_owned()),
        ..minimal()
    };
    let verifier = JwtVerifier::new(vec![config]).unwrap();
    let signer = Signer::all()[2];
    let token = token(signer, &header(signer).to_string(), &claims().to_string());
    verifier.verify(&token, at(NOW)).await.map(|_| ())
}

#[tokio::test]
async fn keys_come_over_https_only_from_a_server_that_the_ca_file_vouches_for() {
    let (own, other) = (authority(), authority());
    let port = serve(server_config(&own, "127.0.0.1")).await;
    assert_eq!(verify(port, Some(&own)).await, Ok(()));
    assert_eq!(verify(port, None).await, Err(JwtError::Unavailable));
    assert_eq!(verify(port, Some(&other)).await, Err(JwtError::Unavailable));
    let misnamed = serve(server_config(&own, "issuer.example")).await;
    let refused = verify(misnamed, Some(&own)).await;
    assert_eq!(refused, Err(JwtError::Unavailable));
}
