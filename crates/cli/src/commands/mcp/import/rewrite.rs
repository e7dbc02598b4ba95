//! What a client reads in place of a server that was taken over: [`json`] in the form of most clients. Codex's is
//! in the document itself, whose library edits it.

pub(super) mod json;

use std::path::Path;

use zeroize::Zeroizing;

/// How a client reaches the gateway.
pub(super) enum Replacement<'a> {
    /// By URL, with this key or the one in its variable `TOOLVAULT_API_KEY`.
    Http {
        url: String,
        key: Option<&'a Zeroizing<String>>,
    },
    /// By starting this program.
    Stdio {
        program: &'a Path,
        server: &'a str,
        /// Where the API is.
        base: &'a str,
        key: Option<&'a Zeroizing<String>>,
    },
}

impl Replacement<'_> {
    /// The words behind the program.
    pub(super) fn arguments(server: &str) -> [&str; 3] {
        ["mcp", "stdio", server]
    }
}
