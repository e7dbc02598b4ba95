//! Keys by URL from a real listener: how often they are fetched, and when they expire.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{IssuerConfig, JwtError, JwtVerifier};
use super::issuer::{Signer, token};
use super::{NOW, at, claims, header, minimal, with};

/// An issuer's key server on this machine, and its number of requests.
#[derive(Clone)]
struct KeyServer {
    url: String,
    answer: Arc<Mutex<String>>,
    count: Arc<Mutex<usize>>,
}

impl KeyServer {
    async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}/jwks", listener.local_addr().unwrap()),
            answer: Arc::default(),
            count: Arc::default(),
        };
        server.publish(keys);
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                *serving.count.lock().unwrap() += 1;
                let answer = serving.answer.lock().unwrap().clone();
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        server
    }

    fn publish(&self, keys: &[Value]) {
        self.answer_with("200 OK", &json!({"keys": keys}).to_string());
    }

    fn answer_with(&self, status: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             location: /elsewhere\r\n\r\n{body}"
        );
    }

    fn count(&self) -> usize {
        *self.count.lock().unwrap()
    }

    fn verifier(&self) -> JwtVerifier {
        let config = IssuerConfig {
            jwks_url: Some(self.url.clone()),
            allow_private_network: true,
            ..minimal()
        };
        JwtVerifier::new(vec![config]).unwrap()
    }
}

/// A token of `signer` with the key ID `id`, valid around `seconds`.
fn valid(signer: &Signer, id: &str, seconds: i64) -> String {
    let claims = with(claims(), "iat", json!(seconds));
    let claims = with(claims, "exp", json!(seconds + 300));
    let header = with(header(signer), "kid", id.into());
    token(signer, &header.to_string(), &claims.to_string())
}

async fn verify(verifier: &JwtVerifier, seconds: i64) -> Result<(), JwtError> {
    let token = valid(Signer::all()[2], "ed25519-1", seconds);
    verifier.verify(&token, at(seconds)).await.map(|_| ())
}

#[tokio::test]
async fn many_first_tokens_at_once_fetch_the_keys_once() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    let attempts = (0..20).map(|_| verify(&verifier, NOW));
    let results = futures_util::future::join_all(attempts).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn keys_are_fetched_again_when_ten_minutes_old_and_used() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    for (seconds, fetches) in [(0, 1), (599, 1), (600, 2), (1199, 2), (1200, 3)] {
        verify(&verifier, NOW + seconds).await.unwrap();
        assert_eq!(server.count(), fetches, "{seconds}");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_but_not_more_than_twice_a_minute() {
    let old = Signer::all()[2];
    let new = Signer::strangers()[2];
    let server = KeyServer::start(&[old.jwk()]).await;
    let verifier = server.verifier();
    verify(&verifier, NOW).await.unwrap();

    for _ in 0..50 {
        let refused = verifier.verify(&valid(new, "new", NOW), at(NOW + 29)).await;
        assert_eq!(refused, Err(JwtError::UnknownKey));
    }
    assert_eq!(server.count(), 1);

    server.publish(&[old.jwk(), with(new.jwk(), "kid", "new".into())]);
    let attempts = (0..20).map(|_| async {
        let token = valid(new, "new", NOW);
        verifier.verify(&token, at(NOW + 30)).await.map(|_| ())
    });
    let results = futures_util::future::join_all(attempts).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.count(), 2);

    for seconds in 31..60 {
        let token = valid(new, "neither", NOW);
        let refused = verifier.verify(&token, at(NOW + seconds)).await;
        assert_eq!(refused, Err(JwtError::UnknownKey));
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_key_that_is_no_longer_published_is_refused_after_ten_minutes() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    verify(&verifier, NOW).await.unwrap();
    server.publish(&[Signer::all()[1].jwk()]);
    let refused = verify(&verifier, NOW + 600).await;
    assert_eq!(refused, Err(JwtError::UnknownKey));
}

#[tokio::test]
async fn without_the_issuer_keys_serve_for_an_hour_and_then_no_more() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    verify(&verifier, NOW).await.unwrap();
    server.answer_with("500 Internal Server Error", "");
    verify(&verifier, NOW + 600).await.unwrap();
    verify(&verifier, NOW + 629).await.unwrap();
    assert_eq!(server.count(), 2);
    verify(&verifier, NOW + 3600).await.unwrap();
    let refused = verify(&verifier, NOW + 3601).await;
    assert_eq!(refused, Err(JwtError::Unavailable));
    let fetches = server.count();
    assert_eq!(verify(&verifier, NOW + 3602).await, refused);
    assert_eq!(server.count(), fetches);

    server.publish(&[Signer::all()[2].jwk()]);
    verify(&verifier, NOW + 3606).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_not_taken() {
    let sound = json!({"keys": [Signer::all()[2].jwk()]}).to_string();
    let leaked = with(Signer::all()[2].jwk(), "d", "AQAB".into());
    let too_long = format!("{sound}{}", " ".repeat(65_536));
    for (status, body) in [
        ("302 Found", sound.as_str()),
        ("404 Not Found", &sound),
        ("200 OK", ""),
        ("200 OK", "<html>"),
        ("200 OK", &json!({"keys": [leaked]}).to_string()),
        ("200 OK", &too_long),
    ] {
        let server = KeyServer::start(&[]).await;
        server.answer_with(status, body);
        let refused = verify(&server.verifier(), NOW).await;
        assert_eq!(refused, Err(JwtError::Unavailable), "{status}");
        assert_eq!(server.count(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_request_that_leaves_early_does_not_end_the_fetch() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    {
        let mut leaving = Box::pin(verify(&verifier, NOW));
        let polled = futures_util::poll!(&mut leaving);
        assert!(polled.is_pending());
    }
    verify(&verifier, NOW + 1).await.unwrap();
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_keys_for_ever() {
    let server = KeyServer::start(&[Signer::all()[2].jwk()]).await;
    let verifier = server.verifier();
    verify(&verifier, NOW).await.unwrap();
    verify(&verifier, NOW - 86_400).await.unwrap();
    assert_eq!(server.count(), 2);
}
