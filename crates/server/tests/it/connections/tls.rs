//! HTTPS with a self-signed certificate, over HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use toolvault_core::confidential::Wiped;
use toolvault_server::{Prepared, ServeError, Server, TlsFiles};

use crate::harness::{World, read_answer};

async fn world() -> (World, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let world = World::start_with(|settings| {
        let certificate = settings.directory.path().join("certificate.pem");
        let key = settings.directory.path().join("key.pem");
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        settings.server.tls = Some(TlsFiles { certificate, key });
        settings.server.limits.header_seconds = 1;
    })
    .await;
    (world, der)
}

async fn connect(
    world: &World,
    certificate: &CertificateDer<'static>,
    protocols: &[&str],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    connect_trusting(world, roots, protocols).await
}

async fn connect_trusting(
    world: &World,
    roots: RootCertStore,
    protocols: &[&str],
) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let stream = TcpStream::connect(world.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

#[tokio::test]
async fn http_1_1_is_served_over_tls_with_and_without_being_asked_for() {
    let (world, certificate) = world().await;
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&world, &certificate, protocols).await;
        let request = world.operator().bytes("GET", "/v1/me", None, b"");
        stream.write_all(&request).await.unwrap();
        let answer = read_answer(&mut stream).await.unwrap();
        assert_eq!(answer.expect(200)["name"], "operator");
    }
}

#[tokio::test]
async fn http_2_is_served_over_tls_with_the_same_answers() {
    let (world, certificate) = world().await;
    let stream = connect(&world, &certificate, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let key = world.operator().sends("x-api-key").to_owned();
    for (method, path, key, body, status) in [
        ("GET", "/v1/me", key.as_str(), "", 200),
        ("GET", "/v1/me", "tvk_x", "", 401),
        (
            "POST",
            "/v1/secrets",
            &key,
            r#"{"secret_name":"n","secret_value":"a value"}"#,
            200,
        ),
        ("POST", "/v1/secrets/", &key, "{", 422),
        ("GET", "/nowhere", &key, "", 404),
    ] {
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("x-api-key", key)
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.get("detail").is_some(), status != 200);
    }
}

/// What curl receives over HTTP/2: the status and the body.
async fn curl(world: &World, body: &std::path::Path, more: &[&str]) -> String {
    let url = format!("https://localhost:{}/v1/secrets/", world.address.port());
    let output = tokio::process::Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--http2"])
        .args([
            "--request",
            "POST",
            "--header",
            "content-type: application/json",
        ])
        .args([
            "--write-out",
            " %{http_version} %{http_code}",
            "--max-time",
            "30",
        ])
        .arg("--data-binary")
        .arg(format!("@{}", body.display()))
        .args(more)
        .arg(url)
        .output()
        .await
        .expect("curl is installed");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn a_refused_request_with_a_body_gets_its_answer_over_http_2() {
    let (world, _) = world().await;
    let directory = tempfile::tempdir().unwrap();
    let unknown = "x-api-key: tvk_x".to_owned();
    let agent = format!("x-api-key: {}", world.agent().sends("x-api-key"));
    for (length, key, status) in [
        (100, &unknown, 401),
        (20_000, &unknown, 401),
        (200_000, &unknown, 401),
        (100, &agent, 403),
        (200_000, &agent, 403),
        (300_000, &agent, 413),
        (3 << 20, &unknown, 401),
    ] {
        let body = directory.path().join(format!("{length}"));
        let secret = r#"{"secret_name":"n","secret_value":"a value","padding":""#;
        std::fs::write(&body, format!("{secret}{}\"}}", "x".repeat(length))).unwrap();
        for _ in 0..50 {
            let answer = curl(&world, &body, &["--header", key]).await;
            assert!(
                answer.ends_with(&format!("}} 2 {status}")),
                "{length}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_answered_without_tls() {
    let (world, _) = world().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = world.operator().bytes("GET", "/v1/me", None, b"");
    stream.write_all(&request).await.unwrap();
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    // At most a TLS alert.
    assert!(received.is_empty() || received[0] == 21, "{received:?}");
}

#[tokio::test]
async fn a_handshake_that_stands_still_is_cut_off() {
    let (world, _) = world().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&[22, 3, 1]).await.unwrap();
    let mut received = Vec::new();
    let reading = stream.read_to_end(&mut received);
    let ended = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(ended.is_ok(), "the server closes");
}

#[tokio::test]
async fn plain_http_is_refused_where_others_could_reach_it() {
    let world = World::start().await;
    let mut settings = toolvault_server::ServerSettings {
        listen: "0.0.0.0:0".parse().unwrap(),
        tls: None,
        insecure_http: false,
        metrics_listen: None,
        ext_mcp: None,
        trusted_proxies: Vec::new(),
        limits: toolvault_server::RequestLimits::default(),
        dashboard: toolvault_server::DashboardSettings::default(),
        issuers: Vec::new(),
        gateway: toolvault_gateway::GatewaySettings::default(),
        replica: None,
        traces: None,
    };
    let refused = Prepared::new(settings.clone());
    assert!(matches!(refused, Err(ServeError::PlainHttp(_))));
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.ext_mcp = Some(toolvault_server::ExtMcpSettings {
        listen: "0.0.0.0:0".parse().unwrap(),
        token: Wiped::new("a token".to_owned()),
    });
    let refused = Prepared::new(settings.clone());
    assert!(matches!(refused, Err(ServeError::PlainHttp(_))));
    settings.ext_mcp = None;
    let file = world.directory.path().join("nothing.pem");
    settings.tls = Some(TlsFiles {
        certificate: file.clone(),
        key: file,
    });
    let refused = Prepared::new(settings.clone());
    assert!(matches!(refused, Err(ServeError::Tls(_))));
    settings.tls = None;
    for url in [
        "http://192.0.2.1:8710",
        "vault.example",
        "https://a:b@vault.example",
        "https://vault.example/?a",
    ] {
        settings.replica = Some(toolvault_server::ReplicaSettings {
            url: url.to_owned(),
            ca_file: None,
        });
        let prepared = Prepared::new(settings.clone()).unwrap();
        let refused = Server::new(world.vault.clone(), prepared);
        assert!(matches!(refused, Err(ServeError::Replica(_))), "{url}");
    }
    settings.replica = None;
    settings.insecure_http = true;
    settings.listen = "0.0.0.0:0".parse().unwrap();
    Prepared::new(settings).unwrap();
}

/// Creates another certificate and overwrites the world's with it.
fn renew(world: &World) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = world.directory.path();
    std::fs::write(directory.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn files(world: &World) -> TlsFiles {
    TlsFiles {
        certificate: world.directory.path().join("certificate.pem"),
        key: world.directory.path().join("key.pem"),
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_presented_after_a_reload_and_what_is_open_stays() {
    let (world, old) = world().await;
    let mut open = connect(&world, &old, &[]).await;
    let new = renew(&world);
    let gateway = toolvault_gateway::GatewaySettings::default;
    let reload = || world.handle.reload(gateway(), Some(&files(&world)));
    assert!(reload().unwrap());
    connect(&world, &new, &[]).await;
    assert!(!reload().unwrap(), "it has not changed since");
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_answer(&mut open).await.unwrap().status, 200);

    // An unusable certificate changes nothing.
    std::fs::write(world.directory.path().join("key.pem"), "no key").unwrap();
    assert!(reload().is_err());
    connect(&world, &new, &[]).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_presented_by_itself() {
    let (world, old) = world().await;
    connect(&world, &old, &[]).await;
    let new = renew(&world);
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        let presented = presented(&world, &[&old, &new]).await;
        if presented == new {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it is the old one still"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The certificate that the server presents to a client that trusts all of these.
async fn presented(world: &World, trusted: &[&CertificateDer<'static>]) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add((*certificate).clone()).unwrap();
    }
    let stream = connect_trusting(world, roots, &[]).await;
    let (_, connection) = stream.get_ref();
    connection.peer_certificates().unwrap()[0].clone()
}
