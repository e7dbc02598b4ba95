//! The configuration of issuers: optional settings, and the messages of refusals.

use serde_json::json;
use toolvault_core::scope::{Scope, ScopeSet};

use super::super::{Algorithm, IssuerConfig, validate_issuers};
use super::{minimal, with};
use crate::oidc::Providers;

fn with_url(url: &str) -> IssuerConfig {
    IssuerConfig {
        jwks_url: Some(url.to_owned()),
        ..minimal()
    }
}

fn complaint(configs: &[IssuerConfig]) -> String {
    validate_issuers(configs).unwrap_err().to_string()
}

#[test]
fn what_is_left_out_is_the_default() {
    let config = minimal();
    assert_eq!(
        config.algorithms,
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]
    );
    assert!(config.scopes.iter().eq([Scope::Manage, Scope::Audit]));
    assert!(!config.create_users && !config.subject_is_user_id && !config.allow_private_network);
    assert_eq!(config.max_lifetime_seconds, 86_400);
    let one: IssuerConfig =
        serde_json::from_value(json!({"issuer": "i", "audience": "a"})).unwrap();
    assert_eq!(one.audience, ["a"]);
}

#[test]
fn unknown_settings_algorithms_and_scopes_are_refused() {
    for (name, value) in [
        ("jwk_url", json!("x")),
        ("name", json!("x")),
        ("algorithms", json!(["HS256"])),
        ("algorithms", json!(["none"])),
        ("algorithms", json!("RS256")),
        ("scopes", json!(["everything"])),
        ("max_lifetime_seconds", json!(-1)),
    ] {
        let text = with(json!({"issuer": "i", "audience": ["a"]}), name, value);
        assert!(
            serde_json::from_value::<IssuerConfig>(text).is_err(),
            "{name}"
        );
    }
}

#[test]
fn exactly_one_source_of_keys_is_needed() {
    let expected = "auth.issuers.main: set exactly one of 'jwks_url' and 'jwks_file'";
    assert_eq!(complaint(&[minimal()]), expected);
    let both = IssuerConfig {
        jwks_file: Some("keys.json".into()),
        ..with_url("https://issuer.example/jwks")
    };
    assert_eq!(complaint(&[both]), expected);
    assert!(validate_issuers(&[with_url("https://issuer.example/jwks")]).is_ok());
}

#[test]
fn key_urls_are_https_or_on_this_machine_when_that_is_allowed() {
    for (url, word) in [
        ("http://issuer.example/jwks", "use https"),
        ("https://u:p@issuer.example/jwks", "user name"),
        ("file:///etc/passwd", "only https and http"),
        ("issuer.example/jwks", "absolute URL"),
        (
            "https://10.0.0.1/jwks",
            "'allow_private_network' would allow it",
        ),
        (
            "http://127.0.0.1/jwks",
            "'allow_private_network' would allow it",
        ),
    ] {
        let complaint = complaint(&[with_url(url)]);
        assert!(complaint.starts_with("auth.issuers.main: 'jwks_url' cannot be used: "));
        assert!(complaint.contains(word), "{complaint}");
    }
    for url in [
        "http://127.0.0.1:9/jwks",
        "http://localhost/jwks",
        "https://10.0.0.1/",
    ] {
        let config = IssuerConfig {
            allow_private_network: true,
            ..with_url(url)
        };
        assert!(validate_issuers(&[config]).is_ok(), "{url}");
    }
}

#[test]
fn empty_and_excessive_settings_are_refused() {
    let good = with_url("https://issuer.example/jwks");
    for (field, config) in [
        (
            "issuer",
            IssuerConfig {
                issuer: String::new(),
                ..good.clone()
            },
        ),
        (
            "audience",
            IssuerConfig {
                audience: vec![],
                ..good.clone()
            },
        ),
        (
            "audience",
            IssuerConfig {
                audience: vec![String::new()],
                ..good.clone()
            },
        ),
        (
            "algorithms",
            IssuerConfig {
                algorithms: vec![],
                ..good.clone()
            },
        ),
        (
            "scopes",
            IssuerConfig {
                scopes: [].into_iter().collect(),
                ..good.clone()
            },
        ),
        (
            "max_lifetime_seconds",
            IssuerConfig {
                max_lifetime_seconds: 0,
                ..good.clone()
            },
        ),
        (
            "max_lifetime_seconds",
            IssuerConfig {
                max_lifetime_seconds: u32::MAX,
                ..good.clone()
            },
        ),
    ] {
        let complaint = complaint(&[config]);
        assert!(complaint.contains(&format!("'{field}'")), "{complaint}");
    }
}

#[test]
fn settings_of_a_fetch_are_refused_beside_a_file() {
    let file = IssuerConfig {
        jwks_url: None,
        jwks_file: Some("keys.json".into()),
        ca_file: Some("ca.pem".into()),
        ..with_url("")
    };
    assert!(
        complaint(&[file]).contains("'ca_file' has an effect only with 'jwks_url' or 'client_id'")
    );
}

#[test]
fn issuers_are_told_apart_and_only_one_chooses_user_ids() {
    let first = with_url("https://issuer.example/jwks");
    let second = IssuerConfig {
        name: "second".to_owned(),
        ..first.clone()
    };
    assert_eq!(
        complaint(&[first.clone(), second.clone()]),
        "auth.issuers.main and auth.issuers.second have the same 'issuer'"
    );
    let choose = |config: IssuerConfig, issuer: &str| IssuerConfig {
        issuer: issuer.to_owned(),
        subject_is_user_id: true,
        ..config
    };
    assert_eq!(
        complaint(&[choose(first, "a"), choose(second, "b")]),
        "only one issuer may set 'subject_is_user_id': main and second do"
    );
}

fn with_client(change: impl FnOnce(&mut IssuerConfig)) -> IssuerConfig {
    let mut config = with_url("https://issuer.example/jwks");
    config.client_id = Some("client".to_owned());
    change(&mut config);
    config
}

#[test]
fn people_sign_in_at_an_issuer_with_a_client() {
    let config = with_client(|config| config.audience.clear());
    assert!(validate_issuers(std::slice::from_ref(&config)).is_ok());
    let scopes = config.scopes_of_people().unwrap();
    assert!(scopes.iter().eq([Scope::Manage, Scope::Audit]));
    assert_eq!(minimal().scopes_of_people(), None);
    for (issuer, url) in [
        (
            "https://a.example",
            "https://a.example/.well-known/openid-configuration",
        ),
        (
            "https://a.example/b/",
            "https://a.example/b/.well-known/openid-configuration",
        ),
    ] {
        let config = with_client(|config| issuer.clone_into(&mut config.issuer));
        assert_eq!(config.discovery_url(), url);
    }
}

#[test]
fn settings_of_sign_ins_are_checked() {
    let people = "auth.issuers.main: people cannot sign in at 'issuer': ";
    for (config, expected) in [
        (with_client(|config| config.client_id = Some(String::new())), "auth.issuers.main: 'client_id' must not be empty".to_owned()),
        (
            with_client(|config| config.sign_in_scopes = Some(ScopeSet::default())),
            "auth.issuers.main: 'sign_in_scopes' must not be empty".to_owned(),
        ),
        (
            with_client(|config| "an issuer".clone_into(&mut config.issuer)),
            format!("{people}not an absolute URL with a host"),
        ),
        (
            with_client(|config| "http://issuer.example".clone_into(&mut config.issuer)),
            format!("{people}plain http is refused, except to this machine: use https"),
        ),
        (
            with_client(|config| "https://issuer.example/?a".clone_into(&mut config.issuer)),
            format!("{people}not an absolute URL with a host"),
        ),
        (
            with_client(|config| "https://127.0.0.1".clone_into(&mut config.issuer)),
            format!("{people}the host has a private, local or reserved address ('allow_private_network' would allow it)"),
        ),
        (
            with_client(|config| "a/../b".clone_into(&mut config.name)),
            "auth.issuers.a/../b: with 'client_id', the name must have 1 to 64 letters, digits, hyphens or underscores".to_owned(),
        ),
        (
            with_client(|config| {
                config.client_id = None;
                config.client_secret_file = Some("secret".into());
            }),
            "auth.issuers.main: 'client_secret_file' has an effect only with 'client_id'".to_owned(),
        ),
        (
            with_client(|config| {
                config.client_id = None;
                config.sign_in_scopes = Some(config.scopes);
            }),
            "auth.issuers.main: 'sign_in_scopes' has an effect only with 'client_id'".to_owned(),
        ),
    ] {
        assert_eq!(complaint(&[config]), expected);
    }
}

#[test]
fn a_clients_secret_is_one_line_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = with_client(|config| config.client_secret_file = Some(file.path().to_owned()));
    for (content, is_good) in [
        ("secret", true),
        ("secret\r\n", true),
        ("", false),
        ("\n", false),
        ("two\nlines", false),
    ] {
        std::fs::write(file.path(), content).unwrap();
        let providers = Providers::new(std::slice::from_ref(&config));
        assert_eq!(providers.is_ok(), is_good, "{content:?}");
    }
    let gone = with_client(|config| config.client_secret_file = Some("/nowhere/secret".into()));
    let error = Providers::new(&[gone]).unwrap_err().to_string();
    let expected = "auth.issuers.main: 'client_secret_file' /nowhere/secret: No such file";
    assert!(error.starts_with(expected), "{error}");
}
