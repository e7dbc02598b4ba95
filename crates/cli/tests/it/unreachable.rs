//! Servers that are not reached: each message says what to type or to do.

use std::fs;

use insta::assert_snapshot;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use crate::installation::Installation;

#[test]
fn a_database_that_takes_connections_and_says_nothing_ends_a_command() {
    let installation = Installation::set_up();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://vault@{}/vault", listener.local_addr().unwrap());
    assert_snapshot!(installation.run(&["user", "list", "--database-url", &url]), @r"
    exit status 2
    error: cannot reach the database: [address] it did not answer within 10 s
    hint: check that the database is running and that its URL names an existing database and user
    ");
}

#[test]
fn what_is_wrong_with_an_address_is_said_with_what_to_type() {
    let installation = Installation::empty();
    let server = installation.serve(&[]);
    let host = server.url.strip_prefix("http://").unwrap();
    let run = |url: &str| {
        let mut command = installation.command(&["secret", "list"]);
        command
            .env("TOOLVAULT_URL", url)
            .env("TOOLVAULT_API_KEY", "tvk_x");
        installation.transcript(&mut command, "")
    };
    assert_snapshot!(run(host), @r"
    exit status 1
    error: TOOLVAULT_URL: not an absolute URL with a host
    hint: write the scheme too: http://[address]
    ");
    assert_snapshot!(run(&format!("https://{host}")), @r"
    exit status 2
    error: the server at https://[address] does not answer: received corrupt message of type InvalidContentType
    hint: it does not serve HTTPS: write http://[address]
    ");
    assert_snapshot!(run(&format!("{}/elsewhere", server.url)), @r"
    exit status 1
    error: Not Found
    hint: check the URL (toolvault profile show), and that the server is not older than this program
    ");
    assert_snapshot!(run("tvk_canary_canary"), @r"
    exit status 1
    error: TOOLVAULT_URL: not an absolute URL with a host
    hint: a URL is like http://[address] or https://vault.example.com
    ");
    assert_eq!(server.stop(), Some(0));
}

/// The hint of a command, on a server with a self-signed certificate for localhost, which trusts it if told to.
fn hint_about(change: impl Fn(&mut CertificateParams), host: &str, is_trusted: bool) -> String {
    let installation = Installation::empty();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut parameters);
    let key = KeyPair::generate().unwrap();
    let [certificate, key_file] = ["tls.crt", "tls.key"].map(|name| installation.path().join(name));
    fs::write(&certificate, parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let server = installation.serve(&["--tls-cert", "tls.crt", "--tls-key", "tls.key"]);
    let options = ["secret", "list", "--ca-file", "tls.crt"];
    let options = if is_trusted {
        &options[..]
    } else {
        &options[..2]
    };
    let mut command = installation.command(options);
    let url = server.url.replace("127.0.0.1", host);
    command
        .env("TOOLVAULT_URL", &url)
        .env("TOOLVAULT_API_KEY", "tvk_x");
    let transcript = installation.transcript(&mut command, "");
    assert_eq!(server.stop(), Some(0));
    let hint = transcript.split_once("hint: ").map(|(_, hint)| hint);
    let hint = hint.unwrap_or_else(|| panic!("{transcript}"));
    hint.replace(&url, "https://[address]")
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_with_what_to_do() {
    let nothing = |_: &mut CertificateParams| {};
    assert_snapshot!(hint_about(nothing, "localhost", true), @"check the key in TOOLVAULT_API_KEY, or sign in with: toolvault login");
    assert_snapshot!(hint_about(nothing, "localhost", false), @"the certificate of https://[address] is not trusted: name a PEM file with its CA, or with the certificate itself if it is self-signed, in --ca-file or TOOLVAULT_CA_FILE");
    assert_snapshot!(hint_about(nothing, "127.0.0.1", true), @"the certificate of https://[address] is for other names: use one of them in the URL, or add this one to it");
    let authority = |parameters: &mut CertificateParams| {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    assert_snapshot!(hint_about(authority, "localhost", true), @"the certificate of https://[address] is one of a CA. Make one for a server: with openssl req -x509, add -addext basicConstraints=critical,CA:FALSE");
    let expired = |parameters: &mut CertificateParams| {
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    assert_snapshot!(hint_about(expired, "localhost", true), @"renew the certificate of https://[address], or set the clock of this machine");
}
