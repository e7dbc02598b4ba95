//! What a client would have started or asked by itself, and that the gateway does the same when the client reads its
//! file as it is now.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::file::ClientFile;
use super::http;
use super::room::Room;

/// Headers that the gateway sets itself.
const OF_PROTOCOL: [&str; 2] = ["accept", "content-type"];

pub(super) fn as_its_client_would(
    room: &Room,
    before: &ClientFile,
    after: &ClientFile,
    name: &str,
) {
    let _ = (room.starts(), room.asked());
    let answer = visit(after.server(name));
    assert!(
        answer.contains("\"result\""),
        "{name}: {answer}\n{}",
        room.configuration()
    );
    let server = before.server(name);
    match address(server) {
        Some((url, headers)) => asked(room, name, &url, &headers),
        None => started(room, before, name, server),
    }
}

/// What the client does with its file as it is now.
fn visit(server: &Value) -> String {
    let address = ["url", "serverUrl", "httpUrl"]
        .iter()
        .find_map(|key| server[key].as_str());
    if let Some(url) = address {
        let headers = if server["headers"].is_object() {
            &server["headers"]
        } else {
            &server["http_headers"]
        };
        return http::visit(url, headers["Authorization"].as_str().unwrap());
    }
    let words = words(server);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in environment(server) {
        command.env(name, value);
    }
    let mut client = command.spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    writeln!(input, "{}", http::initialize()).unwrap();
    let mut answer = String::new();
    BufReader::new(client.stdout.take().unwrap())
        .read_line(&mut answer)
        .unwrap();
    drop(input);
    client.wait().unwrap();
    answer
}

/// The URL and headers of a server over HTTP, also behind `mcp-remote`.
fn address(server: &Value) -> Option<(String, Vec<(String, String)>)> {
    let address = ["url", "serverUrl", "httpUrl"]
        .iter()
        .find_map(|key| server[key].as_str());
    if let Some(url) = address {
        let tables = [&server["headers"], &server["http_headers"]];
        let headers = tables
            .iter()
            .filter_map(|table| table.as_object())
            .flatten();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        return Some((url.to_owned(), headers.collect()));
    }
    let words = words(server);
    let remote = words
        .iter()
        .position(|word| word.starts_with("mcp-remote"))?;
    let headers = words
        .windows(2)
        .filter(|pair| pair[0] == "--header")
        .map(|pair| {
            let (name, value) = pair[1].split_once(':').unwrap();
            let mut value = value.to_owned();
            for (variable, text) in environment(server) {
                value = value.replace(&format!("${{{variable}}}"), &text);
            }
            (name.to_owned(), value)
        });
    Some((words[remote + 1].clone(), headers.collect()))
}

fn asked(room: &Room, name: &str, url: &str, headers: &[(String, String)]) {
    let asked = room.asked();
    let asked = asked
        .iter()
        .find(|asked| asked.rpc() == "initialize")
        .unwrap();
    assert_eq!(format!("{}{}", room.network(), asked.path), url, "{name}");
    for (header, value) in headers {
        let header = header.to_ascii_lowercase();
        if !OF_PROTOCOL.contains(&header.as_str()) {
            assert_eq!(asked.header(&header), value, "{name}: {header}");
        }
    }
}

fn started(room: &Room, file: &ClientFile, name: &str, server: &Value) {
    let starts = room.starts();
    let start = starts
        .first()
        .unwrap_or_else(|| panic!("{name} was not started"));
    let project = file.folder_of(name);
    let filled = |text: &str| match &project {
        Some(project) => text
            .replace("${workspaceFolder}", project.to_str().unwrap())
            .replace("${CLAUDE_PROJECT_DIR:-.}", project.to_str().unwrap()),
        None => text.to_owned(),
    };
    let words: Vec<String> = words(server).iter().map(|word| filled(word)).collect();
    let program = words[0].trim_start_matches("./");
    assert!(
        start["program"].as_str().unwrap().ends_with(program),
        "{name}: {start}"
    );
    assert_eq!(start["arguments"], serde_json::json!(words[1..]), "{name}");
    for (variable, value) in environment(server) {
        assert_eq!(
            start["environment"][&variable],
            filled(&value),
            "{name}: {variable}"
        );
    }
    let ours = start["environment"].as_object().unwrap().keys();
    assert!(
        ours.clone()
            .all(|variable| !variable.starts_with("TOOLVAULT_")),
        "{name}: {start}"
    );
    let own = server["cwd"].as_str().map(|own| PathBuf::from(filled(own)));
    let folder = match (own, project) {
        (Some(own), Some(project)) => Some(project.join(own)),
        (own, project) => own.or(project),
    };
    // Without either the client promises no folder.
    if let Some(folder) = folder {
        let folder = folder.canonicalize().unwrap();
        assert_eq!(start["folder"], folder.to_str().unwrap(), "{name}");
    }
}

/// The command of a program, in any client's form.
fn words(server: &Value) -> Vec<String> {
    let nested = if server["command"].is_object() {
        &server["command"]
    } else {
        server
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let texts = |value: &Value| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect::<Vec<_>>()
    };
    match &nested["command"] {
        Value::Array(_) => texts(&nested["command"]),
        Value::String(command) => [vec![command.clone()], texts(&nested["args"])].concat(),
        _ => [vec![text(&nested["path"])], texts(&nested["args"])].concat(),
    }
}

/// The variables of a program, in any client's form.
fn environment(server: &Value) -> Vec<(String, String)> {
    let tables = [
        &server["env"],
        &server["environment"],
        &server["command"]["env"],
    ];
    let variables = tables
        .iter()
        .filter_map(|table| table.as_object())
        .flatten();
    variables
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}
