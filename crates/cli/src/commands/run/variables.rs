//! The variables to set: their names, and references or plain text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use toolvault_core::confidential::Wiped;

use crate::api::Api;
use crate::api::resolve::{Completed, Wanted, resolve};
use crate::environment::PREFIX;
use crate::failure::Failure;

const REFERENCE: &str = "secret://";

/// Variables that decide which code a program runs, or where it connects to. A secret is never meant for them, and
/// with `--tool` whoever can store a secret names the variable. Compared without case.
const DANGEROUS: [&str; 44] = [
    "ALL_PROXY",
    "BASH_ENV",
    "CLASSPATH",
    "CURL_CA_BUNDLE",
    "DOTNET_STARTUP_HOOKS",
    "EDITOR",
    "ENV",
    "GCONV_PATH",
    "GEM_HOME",
    "GEM_PATH",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NO_PROXY",
    "PAGER",
    "PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "REQUESTS_CA_BUNDLE",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTC_WRAPPER",
    "SHELL",
    "SSH_ASKPASS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SUDO_ASKPASS",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];
/// The same, for groups of variables.
const DANGEROUS_PREFIXES: [&str; 6] = [
    "BASH_FUNC_",
    "CARGO_",
    "DYLD_",
    "GIT_",
    "LD_",
    "NPM_CONFIG_",
];

/// What the caller asks for.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) references: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

/// What the command gets.
pub(super) struct Filled {
    pub(super) values: BTreeMap<String, Wiped<String>>,
    /// The confidential ones, each with the name of its secret.
    pub(super) confidential: Vec<(String, Wiped<String>)>,
}

impl Filled {
    /// Variables without any reference.
    pub(super) fn plain(variables: Variables) -> Self {
        let texts = variables.texts.into_iter();
        Self {
            values: texts.map(|(name, text)| (name, Wiped::new(text))).collect(),
            confidential: Vec::new(),
        }
    }
}

impl Variables {
    /// Reads `--env` and the file. What `--env` sets wins.
    pub(super) fn read(options: &[String], file: Option<&Path>) -> Result<Self, Failure> {
        let mut variables = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::refused(format!("cannot read {}: {error}", path.display()))
            })?;
            for (number, line) in (1..).zip(text.lines()) {
                variables.add_line(line).map_err(|why| {
                    Failure::refused(format!("{}:{number}: {why}", path.display()))
                })?;
            }
        }
        for option in options {
            let read = variable(option).and_then(|(name, text)| {
                require_harmless(name)?;
                if text.starts_with(REFERENCE) {
                    Ok((name, text))
                } else {
                    Err(format!("{name} has no reference, such as secret://github"))
                }
            });
            let (name, text) = read.map_err(|why| Failure::refused(format!("--env: {why}")))?;
            variables.add(name, text);
        }
        Ok(variables)
    }

    /// Reads a line of a file: NAME=VALUE, with or without `export` and quotes; or a comment.
    fn add_line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (name, text) = variable(line.strip_prefix("export ").unwrap_or(line))?;
        let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
        let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(text);
        if text.starts_with(REFERENCE) {
            require_harmless(name)?;
        }
        self.add(name, text);
        Ok(())
    }

    fn add(&mut self, name: &str, text: &str) {
        self.references.remove(name);
        self.texts.remove(name);
        let kind = if text.starts_with(REFERENCE) {
            &mut self.references
        } else {
            &mut self.texts
        };
        kind.insert(name.to_owned(), text.to_owned());
    }

    /// Resolves the references; with `tool`, also what its defaults give. All of them or none.
    pub(super) async fn fill(
        self,
        api: &Api<'_>,
        tool: Option<&str>,
        own_tool: &str,
    ) -> Result<Filled, Failure> {
        let accepts = tool
            .is_none()
            .then(|| self.references.keys().map(String::as_str).collect());
        let wanted = Wanted {
            bindings: &self.references,
            accepts,
        };
        let completed = resolve(api, tool.unwrap_or(own_tool), &wanted).await?;
        let mut filled = Filled::plain(self);
        filled.add(completed)?;
        Ok(filled)
    }
}

impl Filled {
    fn add(&mut self, completed: Completed) -> Result<(), Failure> {
        let mut values = BTreeMap::new();
        for (name, value) in completed.args {
            check(&name)
                .and_then(|()| require_harmless(&name))
                .map_err(Failure::refused)?;
            let Value::String(text) = value else {
                let why =
                    format!("the secret for {name} fills a member of an argument, not a whole one");
                return Err(Failure::refused(why).hint("name it with --env"));
            };
            values.insert(name, Wiped::new(text));
        }
        let secrets = completed.applied.iter().filter(|applied| applied.redact);
        let confidential: BTreeSet<_> = secrets
            .filter_map(|applied| Some((applied.secret_name.clone(), values.get(&applied.arg)?)))
            .map(|(name, value)| (name, value.as_str().to_owned()))
            .collect();
        self.confidential = confidential
            .into_iter()
            .map(|(name, value)| (name, Wiped::new(value)))
            .collect();
        self.values.extend(values);
        Ok(())
    }
}

/// The name and the text of `NAME=TEXT`.
fn variable(text: &str) -> Result<(&str, &str), String> {
    let (name, text) = text
        .split_once('=')
        .ok_or_else(|| "a variable is written NAME=REFERENCE".to_owned())?;
    check(name)?;
    Ok((name, text))
}

/// Whether a variable of this name may be set.
fn check(name: &str) -> Result<(), String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name =
        name.bytes().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit());
    if !is_name || name.is_empty() {
        return Err(format!("'{name}' is not the name of a variable"));
    }
    if name.starts_with(PREFIX) {
        return Err(format!(
            "{name} is a variable of Toolvault, which commands do not get"
        ));
    }
    Ok(())
}

/// Whether a secret may be set there.
fn require_harmless(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    let is_dangerous = DANGEROUS.contains(&upper.as_str())
        || DANGEROUS_PREFIXES
            .iter()
            .any(|prefix| upper.starts_with(prefix));
    if is_dangerous {
        return Err(format!(
            "{name} decides which code a program runs or where it connects to; no secret is set there"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[&str]) -> Result<Variables, String> {
        let options: Vec<String> = options.iter().map(|&text| text.to_owned()).collect();
        Variables::read(&options, None).map_err(|failure| failure.to_string())
    }

    #[test]
    fn names_that_run_code_and_our_own_are_refused() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_X",
            "DYLD_Y",
            "BASH_ENV",
            "NODE_OPTIONS",
            "GIT_CONFIG_COUNT",
            "npm_config_registry",
            "https_proxy",
            "TOOLVAULT_API_KEY",
        ] {
            assert!(read(&[&format!("{name}=secret://a")]).is_err(), "{name}");
        }
        for name in ["", "1A", "A-B", "A B", "Ä", "a/b"] {
            let refused = read(&[&format!("{name}=secret://a")]).err().unwrap();
            assert!(
                refused.contains("is not the name of a variable"),
                "{refused}"
            );
        }
        for text in ["A", "A=text", "A=", "secret://a"] {
            assert!(read(&[text]).is_err(), "{text}");
        }
        let variables = read(&["GITHUB_TOKEN=secret://a", "_x1=secret:///id/b"]).unwrap();
        assert_eq!(variables.references["GITHUB_TOKEN"], "secret://a");
        assert_eq!(variables.references["_x1"], "secret:///id/b");
    }

    #[test]
    fn a_file_has_references_and_text_and_options_win() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = "# comment\n\nexport A=secret://a\n B='plain text'\nC=\"secret://c\"\nD=x=y\nE=secret://old\nPATH=/bin\n";
        std::fs::write(file.path(), lines).unwrap();
        let options = ["E=secret://new".to_owned()];
        let variables = Variables::read(&options, Some(file.path())).unwrap();
        let references: Vec<_> = variables
            .references
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        assert_eq!(
            references,
            [
                ("A", "secret://a"),
                ("C", "secret://c"),
                ("E", "secret://new")
            ]
        );
        assert_eq!(variables.texts["B"], "plain text");
        assert_eq!(variables.texts["D"], "x=y");
        std::fs::write(file.path(), "A=secret://a\nPATH=secret://x\n").unwrap();
        let refused = Variables::read(&[], Some(file.path()))
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains(":2: PATH decides"), "{refused}");
    }
}
