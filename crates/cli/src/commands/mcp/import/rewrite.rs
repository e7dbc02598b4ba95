//! What a client reads in place of a server that was taken over: [`json`] in the form of most clients. Codex's is
//! in the document itself, whose library edits it.

pub(super) mod json;

use std::path::Path;

use toolvault_core::confidential::Wiped;

/// How a client reaches the gateway.
pub(super) enum Replacement<'a> {
    /// By URL, with this key or the one in its variable `TOOLVAULT_API_KEY`.
    Http {
        url: String,
        key: Option<&'a Wiped<String>>,
    },
    /// By starting this program.
    Stdio {
        program: &'a Path,
        server: &'a str,
        /// Where the API is.
        base: &'a str,
        key: Option<&'a Wiped<String>>,
    },
}

impl Replacement<'_> {
    /// The words behind the program.
    pub(super) fn arguments(server: &str) -> [&str; 3] {
        ["mcp", "stdio", server]
    }
}
