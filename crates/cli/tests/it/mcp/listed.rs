//! A tool server whose tools are in a file, so that a test can change them.

use std::fs;

use serde_json::Value;

use crate::installation::Installation;

/// The command of the server, whose tools [`list`] sets.
pub(crate) fn command(installation: &Installation) -> [String; 3] {
    let [program, tools] = ["listed.py", "tools.json"].map(|name| installation.path().join(name));
    fs::write(&program, include_str!("listed.py")).unwrap();
    let [program, tools] = [program, tools].map(|path| path.display().to_string());
    ["python3".to_owned(), program, tools]
}

/// Sets the server's tools.
pub(crate) fn list(installation: &Installation, tools: &Value) {
    fs::write(installation.path().join("tools.json"), tools.to_string()).unwrap();
}
