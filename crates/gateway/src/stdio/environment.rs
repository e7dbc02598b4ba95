//! The variables that a program gets.

use toolvault_core::confidential::Wiped;

/// What programs need to find other programs, files and the user's language.
const INHERITED: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
];
/// The other settings of a locale.
const LOCALE: &str = "LC_";

/// Whether a variable of our own environment is handed on to programs.
pub fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name) || name.starts_with(LOCALE)
}

/// What a program's environment consists of: what is handed on of ours, then what was configured for it.
pub(super) fn of_program<'a>(
    inherited: &'a [(String, String)],
    configured: &'a [(String, Wiped<String>)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let handed_on = inherited
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| is_inherited(name));
    let own = configured
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    handed_on.chain(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_handed_on() {
        for name in ["PATH", "HOME", "LANG", "LC_ALL", "LC_TIME", "TZ", "TMPDIR"] {
            assert!(is_inherited(name), "{name}");
        }
        for name in [
            "TOOLVAULT_ROOT_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "LD_PRELOAD",
            "DBUS_SESSION_BUS_ADDRESS",
            "SSH_AUTH_SOCK",
            "path",
            "",
        ] {
            assert!(!is_inherited(name), "{name}");
        }
    }

    #[test]
    fn what_is_configured_comes_last() {
        let inherited = [("PATH", "/bin"), ("TOOLVAULT_URL", "x"), ("HOME", "/h")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let configured = [("PATH".to_owned(), Wiped::new("/own".to_owned()))];
        let all: Vec<_> = of_program(&inherited, &configured).collect();
        assert_eq!(all, [("PATH", "/bin"), ("HOME", "/h"), ("PATH", "/own")]);
    }
}
