//! Completions in a shell, which a script of ours asks for.

use std::process::Command;

use crate::installation::Installation;
use crate::secrets::Client;

const BASH: &str = r#"
source <(toolvault completions bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_toolvault toolvault "${@: -1}" "${@: -2:1}"
echo "${COMPREPLY[@]}"
"#;

/// What bash proposes for the last of the words, and what the terminal shows besides.
fn proposed(installation: &Installation, url: &str, key: &str, words: &[&str]) -> (String, String) {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_toolvault"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let output = Command::new("bash")
        .args(["--norc", "-c", BASH, "bash", "toolvault"])
        .args(words)
        .env_clear()
        .env("HOME", installation.path().join("home"))
        .env("PATH", path)
        .env("TOOLVAULT_URL", url)
        .env("TOOLVAULT_API_KEY", key)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_shell_completes_the_names_of_secrets_that_it_reads_as_one_word() {
    let client = Client::new();
    for name in [
        "linear-prod",
        "linear-test",
        "linear $(touch x)",
        "github",
        "linear-prod",
    ] {
        client.run(&["secret", "create", name], "a value of the secret");
    }
    let proposed =
        |words: &[&str]| proposed(&client.installation, &client.server.url, &client.key, words);
    let nothing = String::new;
    let takers = [
        "set", "show", "rename", "bind", "versions", "restore", "policy", "delete",
    ];
    for taker in takers {
        let both = proposed(&["secret", taker, "lin"]);
        assert_eq!(
            both,
            ("linear-prod linear-test".to_owned(), nothing()),
            "{taker}"
        );
    }
    assert_eq!(
        proposed(&["secret", "show", ""]).0,
        "github linear-prod linear-test"
    );
    assert_eq!(proposed(&["secret", "show", "no"]), (nothing(), nothing()));
    // Where no secret is asked for, and for the commands themselves, it is as before.
    assert_eq!(proposed(&["secret", "rename", "github", "lin"]).0, "");
    assert_eq!(proposed(&["secret", "create", "lin"]).0, "");
    assert_eq!(proposed(&["secret", "vers"]).0, "versions");
    assert!(proposed(&["secret", "show", "--js"]).0.contains("--json"));
}

#[test]
fn without_a_server_or_a_key_nothing_is_proposed_and_nothing_said() {
    let installation = Installation::empty();
    let nothing = (String::new(), String::new());
    let words = ["secret", "show", "a"];
    for (url, key) in [
        ("http://127.0.0.1:1", "tvk_none"),
        ("http://127.0.0.1:1", ""),
        ("no url", "x"),
    ] {
        assert_eq!(proposed(&installation, url, key, &words), nothing, "{url}");
    }
}

#[test]
fn the_scripts_of_all_three_shells_ask_for_names() {
    let installation = Installation::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = installation.output(&["completions", shell]);
        let asking = script
            .lines()
            .filter(|line| line.contains(" __secret-names ") && line.contains("2>/dev/null"));
        assert_eq!(asking.count(), 1, "{shell}");
    }
    assert!(!installation.output(&["--help"]).contains("__secret-names"));
}
