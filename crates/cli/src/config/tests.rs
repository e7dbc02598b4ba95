//! Layers, problems, and the manual against the defaults in the code.

mod ext_mcp;
mod gateway;

use toolvault_gateway::GatewayLimits;
use toolvault_gateway::settings::Sandbox;
use toolvault_server::{DashboardSettings, RequestLimits};
use toolvault_vault::{Consistency, DatabaseLocation, Durability, Settings};

use super::keys::{HTTP_KEYS, ISSUER_KEYS, KEYS, PROGRAM_KEYS, SERVER_KEYS};
use super::layers::DEFAULTS;
use super::validate::validate;
use super::*;

/// A configuration without this machine's own file.
fn layers(file: &str, variables: &[(&str, &str)], options: &ServeOptions) -> Layers {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("toolvault.toml");
    std::fs::write(&path, format!("data_dir = '/srv/vault'\n{file}")).unwrap();
    let mut layers = Layers::default();
    layers.add_defaults();
    layers.add_file(&path);
    layers.add_environment(&Environment::of(variables));
    layers.add_flags(options);
    computed::complete(&mut layers);
    layers
}

fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match validate(layers(file, variables, &ServeOptions::default())) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    }
}

#[test]
fn the_manual_says_what_the_code_does() {
    let layers = layers("", &[], &ServeOptions::default());
    assert!(layers.warnings().is_empty());
    let Ok(configuration) = validate(layers) else {
        panic!("the defaults are not valid");
    };
    let server = configuration.server;
    assert_eq!(server.listen.to_string(), "127.0.0.1:8710");
    assert!(server.tls.is_none() && !server.insecure_http && server.metrics_listen.is_none());
    assert!(server.trusted_proxies.is_empty() && server.issuers.is_empty());
    assert_eq!(
        format!("{:?}", server.limits),
        format!("{:?}", RequestLimits::default())
    );
    assert_eq!(server.dashboard, DashboardSettings::default());
    let standard = Settings::new(DatabaseLocation::Directory("/srv/vault".into()));
    assert_eq!(
        format!("{:?}", configuration.vault),
        format!("{standard:?}")
    );
    assert_eq!(configuration.log_format, LogFormat::default());
    let gateway = server.gateway;
    assert_eq!(
        format!("{:?}", gateway.limits),
        format!("{:?}", GatewayLimits::default())
    );
    assert!(gateway.servers.is_empty() && gateway.allowed_hosts.is_empty());
    assert!(!gateway.allow_broad_patterns && gateway.public_url.is_none());
    assert_eq!(gateway.sandbox, Sandbox::default());
    assert!(
        matches!(configuration.root_key, RootKey::File(path) if path == std::path::Path::new("/srv/vault.root.key"))
    );
}

#[test]
fn the_manual_names_every_key_and_no_other() {
    // Without comment signs, every line that looks like a setting is one.
    let mut table = String::new();
    let mut named = Vec::new();
    for line in DEFAULTS.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = format!("{name}.");
        } else if let Some((name, _)) = line.split_once(" = ")
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            named.push(format!("{table}{name}"));
        }
    }
    let mut known: Vec<String> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    known.retain(|key| key != keys::ROOT_KEY_VALUE);
    let issuer = ISSUER_KEYS.iter();
    known.extend(issuer.map(|(key, _)| format!("auth.issuers.example.{key}")));
    let http = HTTP_KEYS.iter().chain(SERVER_KEYS);
    known.extend(http.map(|(key, _)| format!("gateway.servers.linear.{key}")));
    let program = PROGRAM_KEYS.iter();
    known.extend(program.map(|(key, _)| format!("gateway.servers.files.{key}")));
    named.sort();
    known.sort();
    assert_eq!(named, known);
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let file = "listen = '127.0.0.1:1'\ncache_bytes = 1\n[limits]\nbody_bytes = 2000\nsecrets = 5";
    let variables = [
        ("TOOLVAULT_LISTEN", "127.0.0.1:2"),
        ("TOOLVAULT_LIMITS__BODY_BYTES", "3000"),
        ("TOOLVAULT_AUDIT__USES", "disk"),
        ("TOOLVAULT_CONSISTENCY", "strict"),
        ("TOOLVAULT_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"),
    ];
    let options = ServeOptions {
        listen: Some("127.0.0.1:3".to_owned()),
        ..ServeOptions::default()
    };
    let Ok(configuration) = validate(layers(file, &variables, &options)) else {
        panic!("it is valid");
    };
    assert_eq!(configuration.server.listen.port(), 3);
    assert_eq!(configuration.server.limits.body_bytes, 3_000);
    assert_eq!(configuration.server.limits.connections, 1_024);
    assert_eq!(configuration.server.trusted_proxies.len(), 2);
    assert_eq!(configuration.vault.limits.secrets, 5);
    assert_eq!(configuration.vault.cache_bytes, 1);
    assert_eq!(configuration.vault.audit_uses, Durability::Disk);
    assert_eq!(configuration.vault.consistency, Consistency::Strict);
}

#[test]
fn issuers_come_from_tables_and_variables() {
    let file = "[auth.issuers.main]\nissuer = 'https://id.example.com/'\naudience = ['a', 'b']\njwks_file = 'keys.json'";
    let variables = [
        ("TOOLVAULT_AUTH__ISSUERS__MAIN__CREATE_USERS", "true"),
        ("TOOLVAULT_AUTH__ISSUERS__MAIN__SCOPES", "[\"audit\"]"),
        (
            "TOOLVAULT_AUTH__ISSUERS__OTHER__ISSUER",
            "https://other.example.com/",
        ),
        ("TOOLVAULT_AUTH__ISSUERS__OTHER__AUDIENCE", "407408718192"),
        ("TOOLVAULT_AUTH__ISSUERS__OTHER__JWKS_FILE", "other.json"),
    ];
    let Ok(configuration) = validate(layers(file, &variables, &ServeOptions::default())) else {
        panic!("it is valid");
    };
    let [main, other] = configuration.server.issuers.as_slice() else {
        panic!("not two issuers");
    };
    assert_eq!((main.name.as_str(), main.create_users), ("main", true));
    assert_eq!(main.audience, ["a", "b"]);
    assert_eq!(serde_json::to_string(&main.scopes).unwrap(), "[\"audit\"]");
    assert_eq!(other.audience, ["407408718192"]);
}

#[test]
fn unknown_keys_and_variables_are_warnings_that_name_no_value() {
    let file = "colour = 'canary'\n[limits]\nbodies = 3";
    let variables = [
        ("TOOLVAULT_COLOR", "canary"),
        ("TOOLVAULT_API_KEY", "canary"),
        ("TOOLVAULT_LOG", "debug"),
        ("TOOLVAULT_URL", "http://127.0.0.1"),
    ];
    let layers = layers(file, &variables, &ServeOptions::default());
    let warnings = layers.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("colour ("))
    );
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("limits.bodies ("))
    );
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("TOOLVAULT_COLOR "))
    );
    assert!(!warnings.concat().contains("canary"));
    assert!(validate(layers).is_ok());
}

#[test]
fn all_problems_are_told_at_once_by_key_and_without_values() {
    let file =
        "listen = 'canary'\ncache_bytes = 'canary'\nconsistency = 'canary'\n[tls]\nkey = 'canary'";
    let variables = [
        ("TOOLVAULT_LIMITS__VERSIONS", "0"),
        ("TOOLVAULT_INSECURE_HTTP", "canary"),
        ("TOOLVAULT_DATABASE_URL", "mysql://canary"),
        ("TOOLVAULT_TRUSTED_PROXIES", "canary"),
    ];
    let problems = problems(file, &variables);
    for key in [
        "listen (",
        "cache_bytes (",
        "consistency (",
        "tls.key (",
        "limits.versions (TOOLVAULT_LIMITS__VERSIONS)",
        "insecure_http (TOOLVAULT_INSECURE_HTTP)",
        "database_url",
        "trusted_proxies (",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(key)),
            "{key}: {problems:?}"
        );
    }
    assert_eq!(problems.len(), 8, "{problems:?}");
    assert!(!problems.concat().contains("canary"), "{problems:?}");
}

#[test]
fn only_servers_on_postgresql_have_replicas() {
    let url = "[replica]\nurl = 'https://10.0.0.7:8710'";
    let [problem] = problems(url, &[]).try_into().unwrap();
    assert!(problem.starts_with("replica.url ("), "{problem}");
    let database = [("TOOLVAULT_DATABASE_URL", "postgres://canary")];
    assert!(problems(url, &database).is_empty());
    let [problem] = problems("[replica]\nca_file = 'ca.pem'", &database)
        .try_into()
        .unwrap();
    assert!(problem.starts_with("replica.ca_file ("), "{problem}");
}

#[test]
fn a_file_that_does_not_parse_is_named_with_its_line_and_not_quoted() {
    let problems = problems("database_url = canary-password", &[]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems.concat().contains("toolvault.toml, line 2"),
        "{problems:?}"
    );
    assert!(!problems.concat().contains("canary"), "{problems:?}");
}

#[test]
fn of_settings_that_exclude_each_other_the_later_layer_holds() {
    let file = "[root_key]\ncommand = ['kms']";
    let options = ServeOptions {
        store: crate::config::StoreOptions {
            root_key_file: Some("/etc/key".into()),
            ..Default::default()
        },
        ..ServeOptions::default()
    };
    let Ok(configuration) = validate(layers(file, &[], &options)) else {
        panic!("it is valid");
    };
    assert!(matches!(configuration.root_key, RootKey::File(_)));
    let Ok(configuration) = validate(layers(
        file,
        &[("TOOLVAULT_ROOT_KEY", "00")],
        &ServeOptions::default(),
    )) else {
        panic!("it is valid");
    };
    assert!(matches!(configuration.root_key, RootKey::Text(_)));
    let both = "[root_key]\ncommand = ['kms']\nfile = 'key'";
    assert_eq!(
        problems(both, &[]),
        ["set only one of root_key.file and root_key.command"]
    );
}

#[test]
fn the_root_key_itself_is_not_taken_from_a_file() {
    let problems = problems("root_key = 'canary'", &[]);
    assert_eq!(problems.len(), 1);
    assert!(problems.concat().contains("only with TOOLVAULT_ROOT_KEY"));
    assert!(!problems.concat().contains("canary"));
}

#[test]
fn the_database_url_comes_from_a_file_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("url");
    std::fs::write(&path, "postgres://vault@localhost/vault\n").unwrap();
    let variables = [("TOOLVAULT_DATABASE_URL_FILE", path.to_str().unwrap())];
    let Ok(configuration) = validate(layers("", &variables, &ServeOptions::default())) else {
        panic!("it is valid");
    };
    assert!(matches!(
        configuration.vault.database,
        DatabaseLocation::Postgres(_)
    ));
}

#[test]
fn a_command_for_a_directory_does_not_work_on_the_database_of_a_variable_or_a_file() {
    let file = "database_url = 'postgres://canary'";
    let variables = [("TOOLVAULT_DATABASE_URL", "postgres://canary")];
    let with = |data_dir: Option<&str>, database_url: Option<&str>| ServeOptions {
        store: crate::config::StoreOptions {
            data_dir: data_dir.map(Into::into),
            database_url: database_url.map(str::to_owned),
            ..Default::default()
        },
        ..ServeOptions::default()
    };
    let problems = |text: &str, variables: &[(&str, &str)], options: &ServeOptions| {
        validate(layers(text, variables, options))
            .err()
            .unwrap_or_default()
    };
    for (text, variables) in [(file, &[][..]), ("", &variables[..])] {
        let [problem] = problems(text, variables, &with(Some("/drill"), None))
            .try_into()
            .unwrap();
        assert!(
            problem.starts_with("data_dir (--data-dir): database_url ("),
            "{problem}"
        );
        assert!(!problem.contains("canary"), "{problem}");
        // Both are named for this command, or the directory for all.
        let both = with(Some("/drill"), Some("postgres://vault@localhost/vault"));
        assert!(problems(text, variables, &both).is_empty());
        assert!(problems(text, variables, &with(None, None)).is_empty());
    }
    let in_variables = [("TOOLVAULT_DATA_DIR", "/srv/vault"), variables[0]];
    assert!(problems("", &in_variables, &with(None, None)).is_empty());
}

#[test]
fn the_data_directory_has_a_name_to_which_a_suffix_can_be_added() {
    for (text, is_valid) in [
        ("/srv/vault/", true),
        ("/srv/./vault/.", true),
        ("vault", true),
        ("/", false),
        ("/srv/..", false),
    ] {
        let variables = [("TOOLVAULT_DATA_DIR", text)];
        assert_eq!(problems("", &variables).is_empty(), is_valid, "{text}");
    }
}
