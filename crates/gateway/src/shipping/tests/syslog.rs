//! Syslog to receivers on this machine.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixDatagram};
use tokio_rustls::TlsAcceptor;
use toolvault_vault::RecordedPage;

use super::{AT, NOW, installation, page, record};
use crate::http::{HeaderMap, HttpError, HttpPolicy};
use crate::shipping::{DeliveryError, Receiver};

fn policy() -> HttpPolicy {
    HttpPolicy {
        allow_private_network: true,
        ..HttpPolicy::default()
    }
}

async fn deliver(
    url: &str,
    policy: HttpPolicy,
    pages: &[RecordedPage],
) -> Result<u64, DeliveryError> {
    deliver_to(Receiver::new(url.to_owned(), policy, false)?, pages).await
}

async fn deliver_to(receiver: Receiver, pages: &[RecordedPage]) -> Result<u64, DeliveryError> {
    let headers = HeaderMap::new();
    receiver.deliver(installation(), pages, &headers, NOW).await
}

fn pages() -> [RecordedPage; 2] {
    [
        page(1, (1..=600).map(record)),
        page(2, (601..=700).map(record)),
    ]
}

/// What the record with this sequence becomes.
fn message(page: u8, sequence: i64) -> String {
    let hash = format!("{page:02x}").repeat(32);
    let line = serde_json::to_string(&record(sequence)).unwrap();
    format!(
        "<108>1 {AT} - toolvault - secret.used - \
         {{\"installation\":\"01998000-0000-7000-8000-000000000001\",\"uid\":\"{hash}-{sequence}\",\"record\":{line}}}"
    )
}

fn all_messages() -> Vec<String> {
    let first = (1..=600).map(|sequence| message(1, sequence));
    let second = (601..=700).map(|sequence| message(2, sequence));
    first.chain(second).collect()
}

/// The messages of a stream with octet counting.
async fn frames(mut stream: impl AsyncRead + Unpin) -> Vec<String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let mut rest = text.as_str();
    let mut messages = Vec::new();
    while let Some((length, after)) = rest.split_once(' ') {
        let (message, next) = after.split_at(length.parse().unwrap());
        messages.push(message.to_owned());
        rest = next;
    }
    assert_eq!(rest, "");
    messages
}

#[tokio::test]
async fn a_stream_counts_octets_and_its_end_acknowledges() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("syslog+tcp://{}", listener.local_addr().unwrap());
    let receiving = async {
        let mut messages = Vec::new();
        // A connection for each request.
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            messages.extend(frames(stream).await);
        }
        messages
    };
    let pages = pages();
    let (messages, delivered) = tokio::join!(receiving, deliver(&url, policy(), &pages));
    assert_eq!(delivered.unwrap(), 0);
    assert_eq!(messages, all_messages());
}

#[tokio::test]
async fn a_receiver_that_did_not_read_everything_acknowledges_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("syslog+tcp://{}", listener.local_addr().unwrap());
    let pages = pages();
    // It ends although messages wait to be read.
    let ending = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.peek(&mut [0]).await.unwrap();
    };
    let (delivered, ()) = tokio::join!(deliver(&url, policy(), &pages), ending);
    assert!(
        matches!(delivered, Err(DeliveryError::Broken(_))),
        "{delivered:?}"
    );
    // It does not end its side.
    let impatient = HttpPolicy {
        total_timeout: Duration::from_millis(50),
        ..policy()
    };
    let delivered = deliver(&url, impatient, &pages).await;
    let is_timeout = matches!(delivered, Err(DeliveryError::NoAnswer(HttpError::Timeout)));
    assert!(is_timeout, "{delivered:?}");
    drop(listener);
    let delivered = deliver(&url, policy(), &pages).await;
    let is_unreachable = matches!(
        delivered,
        Err(DeliveryError::NoAnswer(HttpError::Unreachable(_)))
    );
    assert!(is_unreachable, "{delivered:?}");
}

/// A receiver over TLS for `localhost`, and the policy of those who trust it. The file of its authority is in a directory.
struct Secured {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    trusting: HttpPolicy,
    _directory: tempfile::TempDir,
}

async fn secured() -> Secured {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &authority).unwrap();
    let certificate: CertificateDer<'static> = certificate.der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let trusting = HttpPolicy {
        ca_file: Some(ca_file),
        ..policy()
    };
    Secured {
        listener,
        acceptor,
        trusting,
        _directory: directory,
    }
}

impl Secured {
    fn url(&self, host: &str) -> String {
        let port = self.listener.local_addr().unwrap().port();
        format!("syslog+tls://{host}:{port}")
    }
}

#[tokio::test]
async fn over_tls_only_a_trusted_receiver_gets_records() {
    let secured = secured().await;
    let trusting = secured.trusting.clone();
    let pages = [page(1, [record(1)])];
    for (host, policy, is_trusted) in [
        ("localhost", trusting.clone(), true),
        ("localhost", policy(), false),
        ("127.0.0.1", trusting, false),
    ] {
        let receiving = async {
            let (stream, _) = secured.listener.accept().await.unwrap();
            let mut stream = secured.acceptor.accept(stream).await.ok()?;
            let messages = frames(&mut stream).await;
            stream.shutdown().await.unwrap();
            Some(messages)
        };
        let url = secured.url(host);
        let (messages, delivered) = tokio::join!(receiving, deliver(&url, policy, &pages));
        assert_eq!(delivered.is_ok(), is_trusted, "{host}: {delivered:?}");
        assert_eq!(messages, is_trusted.then(|| vec![message(1, 1)]));
    }
}

// Everyone in the network can end a TCP connection; only the receiver can make a close_notify.
#[tokio::test]
async fn over_tls_a_connection_that_may_have_been_cut_acknowledges_only_if_that_is_allowed() {
    let secured = secured().await;
    let pages = [page(1, [record(1)])];
    for is_allowed in [false, true] {
        let cutting = async {
            let (stream, _) = secured.listener.accept().await.unwrap();
            let mut stream = secured.acceptor.accept(stream).await.unwrap();
            assert_eq!(frames(&mut stream).await, [message(1, 1)]);
        };
        let receiver = Receiver::new(
            secured.url("localhost"),
            secured.trusting.clone(),
            is_allowed,
        );
        let delivering = deliver_to(receiver.unwrap(), &pages);
        let (delivered, ()) = tokio::join!(delivering, cutting);
        match delivered {
            Ok(0) => assert!(is_allowed),
            Err(DeliveryError::UncleanEnd) => assert!(!is_allowed),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_gets_each_message_in_a_datagram() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let url = format!("syslog+unix://{}", path.display());
    let pages = pages();
    let delivered = deliver(&url, policy(), &pages).await;
    assert!(
        matches!(delivered, Err(DeliveryError::Broken(_))),
        "{delivered:?}"
    );
    let socket = UnixDatagram::bind(&path).unwrap();
    // More than the socket's queue takes: the sender waits.
    let receiving = async {
        let mut messages = Vec::new();
        let mut buffer = vec![0; 65_536];
        while messages.len() < 700 {
            let length = socket.recv(&mut buffer).await.unwrap();
            messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        messages
    };
    let (messages, delivered) = tokio::join!(receiving, deliver(&url, policy(), &pages));
    assert_eq!(delivered.unwrap(), 0);
    assert_eq!(messages, all_messages());
}

#[test]
fn addresses_are_judged_as_those_of_requests() {
    let told = |url: &str| Receiver::check(url, &HttpPolicy::default()).unwrap_err();
    assert!(matches!(
        told("syslog+tcp://logs.example.com:601"),
        HttpError::PlainHttp
    ));
    assert!(matches!(
        told("syslog+tls://10.0.0.1:6514"),
        HttpError::ForbiddenAddress
    ));
    assert!(matches!(
        told("syslog+tls://u:p@logs.example.com:6514"),
        HttpError::UserInfo
    ));
    for url in [
        "syslog+tls://logs.example.com",
        "syslog+tls://",
        "syslog+udp://logs.example.com:514",
        "syslog+unix://host/dev/log",
        "syslog+unix:///",
    ] {
        assert!(matches!(told(url), HttpError::InvalidUrl), "{url}");
    }
    for url in [
        "syslog+unix:///dev/log",
        "syslog+tls://logs.example.com:6514",
    ] {
        Receiver::check(url, &HttpPolicy::default()).unwrap();
    }
}
