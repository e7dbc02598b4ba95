//! `inject`: files from templates with secrets.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use insta::assert_snapshot;

use crate::secrets::Client;

const VALUE: &str = "ghp_a-token-of-some-length";

/// A client with the secret `github`.
fn client() -> Client {
    let client = Client::new();
    client.json(&["secret", "create", "github", "--json"], VALUE);
    client
}

fn path(client: &Client, name: &str) -> PathBuf {
    client.installation.path().join(name)
}

/// Fills a template.
fn inject(client: &Client, template: &str, options: &[&str]) -> String {
    fs::write(path(client, "in.yaml"), template).unwrap();
    let arguments = [&["inject", "-i", "in.yaml", "-o", "out.yaml"], options].concat();
    client.run(&arguments, "")
}

#[test]
fn a_file_is_filled_in_and_only_its_owner_can_read_it() {
    let client = client();
    let out = path(&client, "out.yaml");
    fs::write(&out, "old").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o644)).unwrap();
    let template =
        "token: \"{{ secret://github }}\"\r\nother: {{ .Values.x }}\nagain: {{secret://github}}";
    assert_snapshot!(inject(&client, template, &[]), @r"
    exit status 0
    Wrote out.yaml with 1 secret.
    ");
    assert_eq!(
        fs::read_to_string(&out).unwrap(),
        format!("token: \"{VALUE}\"\r\nother: {{{{ .Values.x }}}}\nagain: {VALUE}")
    );
    assert_eq!(
        fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // The use is recorded for the tool of the file.
    let tail = client
        .installation
        .output(&["audit", "tail", "--action", "secret.used"]);
    assert!(
        tail.contains("tool=inject__out.yaml argument=github"),
        "{tail}"
    );
    let shown = client.json(
        &["inject", "-i", "-", "-o", "other", "--json"],
        "{{ secret://github }}",
    );
    assert_eq!(
        shown,
        serde_json::json!({"file": "other", "secrets": ["github"]})
    );
    assert_eq!(fs::read_to_string(path(&client, "other")).unwrap(), VALUE);
}

#[test]
fn a_bound_secret_is_for_files_of_its_tool() {
    let client = client();
    client.run(
        &["secret", "bind", "github", "--tool", "inject__out.yaml"],
        "",
    );
    let template = "{{ secret://github }}";
    assert!(inject(&client, template, &[]).starts_with("exit status 0"));
    assert_snapshot!(inject(&client, template, &["--tool", "deploy"]), @r"
    exit status 1
    error: github: No usable secret for argument 'github' of tool 'deploy'. Run: toolvault explain 'deploy'
    ");
}

#[test]
fn nothing_is_written_unless_every_reference_is_resolved() {
    let client = client();
    let out = path(&client, "out.yaml");
    fs::write(&out, "old").unwrap();
    assert_snapshot!(inject(&client, "{{ secret://github }}{{ secret://absent }}", &[]), @r"
    exit status 1
    error: absent: No usable secret for argument 'absent' of tool 'inject__out.yaml'. Run: toolvault explain 'inject__out.yaml'
    ");
    assert_snapshot!(inject(&client, "\ntoken: secret://github\n", &[]), @r"
    exit status 1
    error: in.yaml:2: a secret is named without braces
    hint: a reference is written {{ secret://name }}
    ");
    assert_eq!(fs::read_to_string(&out).unwrap(), "old");
    let left: Vec<_> = fs::read_dir(client.installation.path()).unwrap().collect();
    let temporary = |entry: &std::io::Result<fs::DirEntry>| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".toolvault-")
    };
    assert!(!left.iter().any(temporary));
}

#[test]
fn places_that_are_no_file_of_ones_own_are_refused() {
    let client = client();
    fs::write(path(&client, "in.yaml"), "{{ secret://github }}").unwrap();
    fs::write(path(&client, "target"), "theirs").unwrap();
    symlink("target", path(&client, "link")).unwrap();
    let to = |out: &str| client.run(&["inject", "-i", "in.yaml", "-o", out], "");
    assert_snapshot!(to("link"), @r"
    exit status 1
    error: link is a symbolic link
    hint: name the file that is to be replaced
    ");
    assert_eq!(
        fs::read_to_string(path(&client, "target")).unwrap(),
        "theirs"
    );
    assert_snapshot!(to("-"), @r"
    exit status 1
    error: values are written to a file only, not to standard output
    hint: to give values to a program without a file, use: toolvault run
    ");
    assert_snapshot!(to("/dev/null"), @r"
    exit status 1
    error: cannot write /dev/null: it is not a regular file
    ");
    let refused = to("absent/out");
    assert!(
        refused.starts_with("exit status 1\nerror: cannot write absent/out: No such file"),
        "{refused}"
    );
    // Nothing was asked for, so nothing is recorded.
    let tail = client
        .installation
        .output(&["audit", "tail", "--action", "secret.used"]);
    assert_eq!(tail, "");
}

#[test]
fn a_template_is_a_text_of_bounded_size() {
    let client = client();
    let from = |input: &str| client.run(&["inject", "-i", input, "-o", "out"], "");
    assert_snapshot!(from("/dev/zero"), @r"
    exit status 1
    error: cannot read /dev/zero: a template has at most 1 MiB
    ");
    fs::write(path(&client, "binary"), b"\xff\xfe").unwrap();
    assert_snapshot!(from("binary"), @r"
    exit status 1
    error: cannot read binary: stream did not contain valid UTF-8
    ");
    let many = "{{ secret://github }}".repeat(40_000);
    fs::write(path(&client, "many"), many).unwrap();
    let long = "v".repeat(65_000);
    client.run(&["secret", "set", "github"], &long);
    assert_snapshot!(from("many"), @r"
    exit status 1
    error: the file would have more than 16777216 bytes
    ");
    assert!(!path(&client, "out").exists());
}
