//! The name of a server: `[a-z0-9][a-z0-9-]{0,31}`.

use std::fmt;
use std::str::FromStr;

use toolvault_core::pattern::ToolName;

/// Stands between the name of a server and the name of its tool.
const SEPARATOR: &str = "__";
const LONGEST: usize = 32;

/// The name of a configured server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

/// The text names no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server's name has 1 to {LONGEST} characters, of a-z, 0-9 and '-', and does not begin with '-'"
)]
pub struct ServerNameError;

impl ServerName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the names of its tools begin with where several servers share one list: `<server>__`.
    pub fn prefix(&self) -> String {
        format!("{}{SEPARATOR}", self.0)
    }

    /// The name under which one of its tools is matched with secrets; `None` if no tool can have it.
    pub fn tool(&self, tool: &str) -> Option<ToolName> {
        if tool.is_empty() {
            return None;
        }
        ToolName::parse(&format!("{}{tool}", self.prefix())).ok()
    }

    /// The server and its tool that a name in a shared list means. No server's name holds the separator.
    pub fn split(name: &str) -> Option<(Self, &str)> {
        let (server, tool) = name.split_once(SEPARATOR)?;
        Some((server.parse().ok()?, tool)).filter(|(_, tool)| !tool.is_empty())
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(text: &str) -> Result<Self, ServerNameError> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty()
            || text.len() > LONGEST
            || text.starts_with('-')
            || !text.bytes().all(is_allowed)
        {
            return Err(ServerNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        for good in ["a", "0", "linear", "a-", "a--b", &"x".repeat(32)] {
            assert_eq!(good.parse::<ServerName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "-a",
            "A",
            "a_b",
            "a__b",
            "a.b",
            "ä",
            "a b",
            &"x".repeat(33),
        ] {
            assert_eq!(bad.parse::<ServerName>(), Err(ServerNameError), "{bad}");
        }
    }

    #[test]
    fn a_shared_name_is_split_at_the_first_separator() {
        let server: ServerName = "linear".parse().unwrap();
        assert_eq!(server.tool("get").unwrap().as_str(), "linear__get");
        assert_eq!(server.tool(""), None);
        assert_eq!(server.tool("a*"), None);
        assert_eq!(
            ServerName::split("linear__get"),
            Some((server.clone(), "get"))
        );
        assert_eq!(ServerName::split("linear__a__b"), Some((server, "a__b")));
        for other in ["linear", "linear__", "__get", "Linear__get", "linear_get"] {
            assert_eq!(ServerName::split(other), None, "{other}");
        }
    }
}
