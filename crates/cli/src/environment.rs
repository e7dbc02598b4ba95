//! Reads the environment, in this place only; and all variables that are not settings.

use std::collections::BTreeMap;
use std::ffi::OsString;

use toolvault_core::confidential::Wiped;
use toolvault_gateway::stdio::is_inherited;

/// The prefix of Toolvault's variables.
pub(crate) const PREFIX: &str = "TOOLVAULT_";
/// The URL of the API, for the commands that send requests to it.
pub(crate) const URL: &str = "TOOLVAULT_URL";
/// The key for the API.
pub(crate) const API_KEY: &str = "TOOLVAULT_API_KEY";
/// A file with the key for the API.
pub(crate) const API_KEY_FILE: &str = "TOOLVAULT_API_KEY_FILE";
/// The profile to use.
pub(crate) const PROFILE: &str = "TOOLVAULT_PROFILE";
/// A file with certificates to trust in addition to the system's.
pub(crate) const CA_FILE: &str = "TOOLVAULT_CA_FILE";
/// The account that runs the server on this machine.
pub(crate) const SERVER_USER: &str = "TOOLVAULT_SERVER_USER";
/// The log filter.
pub(crate) const LOG: &str = "TOOLVAULT_LOG";
/// The configuration file.
pub(crate) const CONFIG: &str = "TOOLVAULT_CONFIG";
/// The root key itself.
pub(crate) const ROOT_KEY: &str = "TOOLVAULT_ROOT_KEY";
/// A file with the root key: another name for the setting `root_key.file`.
pub(crate) const ROOT_KEY_FILE: &str = "TOOLVAULT_ROOT_KEY_FILE";

/// The variables that are not settings.
pub(crate) const NOT_SETTINGS: [&str; 8] = [
    URL,
    API_KEY,
    API_KEY_FILE,
    PROFILE,
    CA_FILE,
    SERVER_USER,
    LOG,
    CONFIG,
];

/// The names of Toolvault's variables, which commands that are run do not get.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub(crate) fn own_names() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
}

/// Toolvault's variables, as they were when the process started.
#[derive(Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, Wiped<String>>,
    /// Whether this process belongs to a session with a message bus (D-Bus).
    pub(crate) has_session_bus: bool,
    handed_on: Vec<(String, String)>,
}

impl Environment {
    /// Reads the environment of this process. An empty variable counts as not set.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(crate) fn read() -> Self {
        let handed_on = std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            is_inherited(&name).then_some((name, value))
        });
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            // Bytes that are not text make an invalid setting, which is reported where it is parsed.
            let value = Wiped::new(value.to_string_lossy().into_owned());
            (name.starts_with(PREFIX) && !value.is_empty()).then_some((name, value))
        });
        Self {
            variables: ours.collect(),
            has_session_bus: std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some(),
            handed_on: handed_on.collect(),
        }
    }

    /// The variables that child programs inherit.
    pub(crate) fn handed_on(&self) -> &[(String, String)] {
        &self.handed_on
    }

    /// The value of one variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.as_str())
    }

    /// All variables.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), Wiped::new(value.to_owned()));
        Self {
            variables: variables.iter().map(owned).collect(),
            has_session_bus: false,
            handed_on: Vec::new(),
        }
    }
}
