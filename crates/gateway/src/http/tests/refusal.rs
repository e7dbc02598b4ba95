//! URLs that no request starts with, in every spelling.

use super::super::{GuardedClient, HttpError, HttpPolicy};
use super::local_policy;
use super::server::{Behaviour, CannedServer};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn this_machine_is_refused_by_default_in_every_spelling() {
    let server = CannedServer::start(Behaviour::Answer(OK)).await;
    let port = server.address.port();
    let client = GuardedClient::new(HttpPolicy::default()).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.01",
        "127.0.0.1%2e",
        "127%2e0%2e0%2e1",
        "127。0。0。1",
        "１２７.0.0.1",
        "⑫7.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "localhost",
        "LocalHost",
    ] {
        for scheme in ["http", "https"] {
            for url in [
                format!("{scheme}://{host}:{port}/"),
                format!("{scheme}:\\\\{host}:{port}\\"),
                format!(" {scheme}:///{host}:{port}"),
            ] {
                let error = client.get(&url).await.err();
                assert!(
                    matches!(
                        error,
                        Some(HttpError::ForbiddenAddress | HttpError::PlainHttp)
                    ),
                    "{url}: {error:?}"
                );
            }
        }
    }
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn this_machine_is_reached_when_the_policy_allows_it() {
    let server = CannedServer::start(Behaviour::Answer(OK)).await;
    let port = server.address.port();
    let client = GuardedClient::new(local_policy()).unwrap();
    for host in ["127.0.0.1", "0x7f.1", "2130706433"] {
        client.get(&format!("http://{host}:{port}/")).await.unwrap();
    }
    assert_eq!(server.heads().len(), 3);
}

#[tokio::test]
async fn private_and_machine_credential_addresses_are_refused_before_any_connection() {
    let public_only = HttpPolicy::default();
    for url in [
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
    ] {
        let error = public_only.check(url).err();
        assert!(matches!(error, Some(HttpError::ForbiddenAddress)), "{url}");
    }
    let error = local_policy().check("https://169.254.169.254/").err();
    assert!(matches!(error, Some(HttpError::ForbiddenAddress)));
}

#[test]
fn plain_http_leaves_this_machine_only_when_the_policy_allows_it() {
    let local = local_policy();
    for url in [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
    ] {
        let error = local.check(url).err();
        assert!(
            matches!(error, Some(HttpError::PlainHttp | HttpError::UserInfo)),
            "{url}"
        );
    }
    for url in [
        "http://localhost/",
        "http://issuer.localhost/",
        "http://[::1]/",
        "http://127.0.0.9/",
        "https://example.com/",
    ] {
        assert!(local.check(url).is_ok(), "{url}");
    }
    let plain = HttpPolicy {
        allow_plain_http: true,
        ..HttpPolicy::default()
    };
    assert!(plain.check("http://example.com/").is_ok());
}

#[test]
fn user_names_and_passwords_in_a_url_are_refused_and_not_shown() {
    for url in [
        "https://canary@example.com/",
        "https://canary:canary@example.com/",
        "https://:canary@example.com/",
        "https://a:b@127.0.0.1:80@example.com/",
    ] {
        let error = HttpPolicy::default().check(url).err().unwrap();
        assert!(matches!(error, HttpError::UserInfo), "{url}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn other_schemes_and_texts_that_are_no_url_are_refused() {
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "data:,x",
        "gopher://example.com/",
        "javascript:1",
        "unix:/run/x.sock",
        "ws://example.com/",
    ] {
        let error = HttpPolicy::default().check(url).err();
        assert!(matches!(error, Some(HttpError::UnsupportedScheme)), "{url}");
    }
    for url in [
        "",
        "/path",
        "example.com/x",
        "https://",
        "https://exa mple.com",
        "https://[::1",
    ] {
        let error = HttpPolicy::default().check(url).err();
        assert!(matches!(error, Some(HttpError::InvalidUrl)), "{url}");
    }
}

#[tokio::test]
async fn a_missing_or_empty_ca_file_is_refused() {
    let directory = std::env::temp_dir();
    for path in [
        directory.join("toolvault-no-such-file.pem"),
        "/dev/null".into(),
    ] {
        let error = GuardedClient::new(HttpPolicy {
            ca_file: Some(path),
            ..HttpPolicy::default()
        })
        .err();
        assert!(matches!(error, Some(HttpError::CaFile { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn no_error_shows_the_query_of_the_url() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?key=canary", silent.local_addr().unwrap());
    drop(silent);
    let client = GuardedClient::new(local_policy()).unwrap();
    let error = client.get(&url).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("canary"));
}
