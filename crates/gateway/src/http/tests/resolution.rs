//! Names whose look-up is hostile: mixed answers, changing answers, names that only look local.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::super::resolver::{Addresses, Lookup};
use super::super::{GuardedClient, HttpError, HttpPolicy};
use super::local_policy;
use super::server::{Behaviour, CannedServer};

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Answers each look-up with the next of its answers, and the last one for ever.
struct Scripted {
    answers: Mutex<Vec<Vec<&'static str>>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().rev().map(|answer| answer.to_vec()).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Lookup for Scripted {
    fn addresses(&self, _host: String) -> Addresses {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop().unwrap()
        } else {
            answers[0].clone()
        };
        let addresses: Vec<IpAddr> = answer.iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move {
            if addresses.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound));
            }
            Ok(addresses)
        })
    }
}

fn client(allow_private_network: bool, lookup: &Arc<Scripted>) -> GuardedClient {
    let policy = HttpPolicy {
        allow_private_network,
        allow_plain_http: true,
        ..local_policy()
    };
    GuardedClient::with_lookup(policy, Arc::clone(lookup) as Arc<dyn Lookup>).unwrap()
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    let server = CannedServer::start(Behaviour::Answer(OK)).await;
    let port = server.address.port();
    let lookup = Scripted::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let url = format!("http://issuer.test:{port}/");
    let client = client(true, &lookup);
    client.get(&url).await.unwrap();
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1);
    assert!(server.heads()[0].contains(&format!("host: issuer.test:{port}\r\n")));

    let error = client.get(&url).await.err();
    assert!(
        matches!(error, Some(HttpError::ForbiddenAddress)),
        "{error:?}"
    );
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 2);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn one_forbidden_address_among_public_ones_refuses_the_name() {
    let server = CannedServer::start(Behaviour::Answer(OK)).await;
    for answer in [
        ["127.0.0.1", "1.1.1.1"],
        ["1.1.1.1", "127.0.0.1"],
        ["2606:4700::1111", "::1"],
        ["1.1.1.1", "::ffff:127.0.0.1"],
        ["1.1.1.1", "169.254.169.254"],
    ] {
        let lookup = Scripted::new(&[&answer]);
        let url = format!("http://rebind.test:{}/", server.address.port());
        let error = client(false, &lookup).get(&url).await.err();
        assert!(
            matches!(error, Some(HttpError::ForbiddenAddress)),
            "{error:?}"
        );
    }
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_local_name_that_leads_elsewhere_is_refused() {
    let lookup = Scripted::new(&[&["10.0.0.1"]]);
    for host in ["localhost", "issuer.localhost", "LOCALHOST."] {
        let error = client(true, &lookup)
            .get(&format!("http://{host}/"))
            .await
            .err();
        assert!(
            matches!(error, Some(HttpError::ForbiddenAddress)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_an_unknown_host() {
    let lookup = Scripted::new(&[&[]]);
    let error = client(true, &lookup)
        .get("https://nowhere.test/")
        .await
        .err();
    assert!(
        matches!(error, Some(HttpError::UnknownHost(_))),
        "{error:?}"
    );
}
