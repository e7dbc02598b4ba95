//! A store in its own directory, a server on it, and commands with their whole output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A directory for a store.
pub(crate) struct Installation {
    directory: TempDir,
}

/// A server on an installation. It is stopped when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    log: BufReader<Box<dyn std::io::Read + Send + Sync>>,
    /// What was logged until the server listened.
    pub(crate) first_lines: Vec<String>,
}

impl Installation {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// One that was set up by a server, which has stopped.
    pub(crate) fn set_up() -> Self {
        let installation = Self::empty();
        assert_eq!(installation.serve(&[]).stop(), Some(0));
        installation
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// One of the first keys.
    pub(crate) fn first_key(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path().join("data.first-keys")).unwrap();
        let prefix = format!("{name}=");
        let found = text.lines().find_map(|line| line.strip_prefix(&prefix));
        found.unwrap().to_owned()
    }

    /// The binary, with this installation's own home and environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toolvault"));
        command
            .env_clear()
            .env("HOME", self.path().join("home"))
            .env("TOOLVAULT_DATA_DIR", self.data_dir())
            .current_dir(self.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Everything that a command prints, and its exit status.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.transcript(&mut self.command(arguments), "")
    }

    /// What a command prints on standard output. It must succeed.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The JSON that a command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.output(arguments)).unwrap()
    }

    /// Runs a command that reads `input`; ids, times, keys and paths are replaced by their names.
    pub(crate) fn transcript(&self, command: &mut Command, input: &str) -> String {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read its input.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let output = process.wait_with_output().unwrap();
        let text = format!(
            "exit status {}\n{}{}",
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        self.with_names(&text)
    }

    /// Starts a server and waits until it announces its address.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Server::start(command.args(arguments))
    }

    fn with_names(&self, text: &str) -> String {
        let text = text.replace(self.path().to_str().unwrap(), "[directory]");
        let mut named = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = rest.find(|character: char| character.is_ascii_alphanumeric()) {
            let (before, from) = rest.split_at(start);
            let is_part = |character: char| {
                character.is_ascii_alphanumeric() || matches!(character, '-' | ':' | '.' | '_')
            };
            let end = from
                .find(|character| !is_part(character))
                .unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            named.push_str(before);
            named.push_str(name_of(word).unwrap_or(word));
            rest = after;
        }
        named.push_str(rest);
        // The width of a column depends on the replaced text.
        let lines = named.lines().map(|line| {
            let words: Vec<&str> = line.split("  ").filter(|part| !part.is_empty()).collect();
            let indent = line.len() - line.trim_start().len();
            let mut words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
            if let ["id", id] = words.as_mut_slice()
                && id.len() == 8
            {
                *id = "[key id]";
            }
            format!("{}{}", " ".repeat(indent), words.join("  "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The placeholder for text that differs between runs.
fn name_of(word: &str) -> Option<&'static str> {
    let hyphens = word.bytes().filter(|&byte| byte == b'-').count();
    if word.starts_with("tvk_") && word.len() == 62 {
        Some("[key]")
    } else if word.len() == 36 && hyphens == 4 {
        Some("[id]")
    } else if word.len() >= 20 && word.ends_with('Z') && word.contains('T') && hyphens == 2 {
        Some("[time]")
    } else if word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Some("[hash]")
    } else if word.starts_with("127.0.0.1:") {
        Some("[address]")
    } else {
        None
    }
}

impl Server {
    /// Starts a server that logs JSON.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log: Box<dyn std::io::Read + Send + Sync> = Box::new(process.stderr.take().unwrap());
        let log = BufReader::new(log);
        let mut server = Self {
            process,
            url: String::new(),
            log,
            first_lines: Vec::new(),
        };
        while server.url.is_empty() {
            let mut line = String::new();
            let length = server.log.read_line(&mut line).unwrap();
            assert!(length > 0, "the server ended: {:?}", server.first_lines);
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                event["url"].as_str().unwrap().clone_into(&mut server.url);
            }
            server.first_lines.push(line);
        }
        server
    }

    /// The ID of its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Closes the reading end of the log, so that the server cannot write to it any more.
    pub(crate) fn close_log(&mut self) {
        self.log = BufReader::new(Box::new(std::io::empty()));
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Asks the server to finish, and returns its exit status.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Waits for the end, and returns the exit status.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Reads the log until a line contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.log.read_line(&mut line).unwrap();
            assert!(length > 0, "the log ended before it said {text}");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Asks the server to finish, and returns everything that it logged since it listened.
    pub(crate) fn stop_and_read_log(mut self) -> String {
        self.signal(rustix::process::Signal::TERM);
        let mut text = self.first_lines.concat();
        std::io::Read::read_to_string(&mut self.log, &mut text).unwrap();
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has stopped already, or a test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A variable of the environment that the tests run in.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told of their database by the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
