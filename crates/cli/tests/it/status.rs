//! `status`: an installation with and without its server.

use crate::installation::Installation;

#[test]
fn a_store_without_a_server_is_shown() {
    let installation = Installation::set_up();
    let shown = installation.run(&["status"]);
    for line in [
        "exit status 0\nversion  ",
        "server  not running\nstore  [id]\n",
        "engine  SQLite 3.51.3, schema ",
        "root key  file [directory]/data.root.key, since [time] (0 days)\n",
        "secrets  0: 0 due for rotation, 0 expired\nusers  1\nkeys  2\n",
        "audit records  4\naudit pages  1\n",
        "last backup  the server makes none\nlast checkpoint  the server makes none",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!(
        installation.json(&["status", "--json"])["server"],
        serde_json::Value::Null
    );
}

#[test]
fn a_server_tells_of_its_jobs_and_of_the_servers_behind_it() {
    let installation = Installation::empty();
    let file = installation.path().join("toolvault.toml");
    let text = "[gateway.servers.files]\ncommand = ['sh']\n\
         [backup]\nevery = '1d'\ndirectory = '/missing'\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let mut server = installation.serve(&["--config", file]);
    server.wait_for("a job of the server failed");
    let shown = installation.run(&["status", "--config", file]);
    for line in [
        ", running since [time]\n",
        "last backup  unknown; No such file or directory",
        "gateway  files: no call yet",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let report = installation.json(&["status", "--config", file, "--json"]);
    assert_eq!(report["server"]["gateway"][0]["name"], "files");
    assert_eq!(report["server"]["gateway"][0]["is_program"], true);
    assert_eq!(report["server"]["version"], report["version"]);
    assert_eq!(report["jobs"][0]["job"], "backup");
    assert_eq!(report["jobs"][0]["every_seconds"], 86_400);
    assert!(report["jobs"][0]["fault"].is_string());
    assert_eq!(report["store"]["consistency"], "bounded");
    assert_eq!(server.stop(), Some(0));
}
