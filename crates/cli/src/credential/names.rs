//! What a name says about its value.

/// What a name says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naming {
    /// A password, which people choose: it may be a number.
    Password,
    /// A key or token.
    Credential,
    /// A word that stands for a credential or for the way to log in.
    Perhaps,
    /// Nothing of the kind.
    Setting,
}

/// Words for passwords.
const PASSWORDS: [&str; 9] = [
    "PASS",
    "PASSCODE",
    "PASSKEY",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PW",
    "PWD",
];
/// Words for keys and tokens.
const CREDENTIALS: [&str; 15] = [
    "APIKEY",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "JWT",
    "KEY",
    "KEYS",
    "MNEMONIC",
    "PAT",
    "SECRET",
    "SECRETS",
    "SIG",
    "SIGNATURE",
    "TOKEN",
    "TOKENS",
];
/// Words for a credential or for the way to log in.
const PERHAPS: [&str; 6] = [
    "AUTH",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "LOGIN",
];
/// Ends of words that are written together: `ACCESSTOKEN`.
const ENDINGS: [(&str, Naming); 8] = [
    ("ACCESSKEY", Naming::Credential),
    ("APIKEY", Naming::Credential),
    ("PRIVATEKEY", Naming::Credential),
    ("SECRETKEY", Naming::Credential),
    ("SECRET", Naming::Credential),
    ("TOKEN", Naming::Credential),
    ("PASSWORD", Naming::Password),
    ("PASSPHRASE", Naming::Password),
];
/// Words before `KEY` with which it opens nothing.
const NO_KEYS: [&str; 9] = [
    "CACHE",
    "FOREIGN",
    "HOT",
    "OBJECT",
    "PARTITION",
    "PRIMARY",
    "PUBLIC",
    "SHORTCUT",
    "SORT",
];
/// A name that ends so is about a credential: where it is, how long it lasts, what it is called.
const ABOUT: [&str; 66] = [
    "ACCOUNT",
    "ALG",
    "ALGORITHM",
    "ALIAS",
    "ATTEMPTS",
    "AUDIENCE",
    "BACKEND",
    "BUDGET",
    "COUNT",
    "DIR",
    "DIRECTORY",
    "DISABLED",
    "DOMAIN",
    "EMAIL",
    "ENABLED",
    "ENDPOINT",
    "ENV",
    "ENVIRONMENT",
    "EXPIRES",
    "EXPIRY",
    "FIELD",
    "FILE",
    "FLOW",
    "FOLDER",
    "FORMAT",
    "HEADER",
    "HOST",
    "ID",
    "INTERVAL",
    "ISSUER",
    "KIND",
    "LENGTH",
    "LIMIT",
    "LOCATION",
    "MANAGER",
    "METHOD",
    "MODE",
    "NAME",
    "PARAM",
    "PATH",
    "POLICY",
    "PORT",
    "PREFIX",
    "PROFILE",
    "PROVIDER",
    "REALM",
    "REGION",
    "REQUIRED",
    "SCHEME",
    "SCOPE",
    "SCOPES",
    "SERVER",
    "SERVICE",
    "SIZE",
    "STORE",
    "STRATEGY",
    "SUFFIX",
    "TENANT",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "USER",
    "USERNAME",
    "VERSION",
];

/// What the name of a variable, header, option or member says.
pub(super) fn of(name: &str) -> Naming {
    let words = words(name);
    if words
        .last()
        .is_none_or(|last| ABOUT.contains(&last.as_str()))
    {
        return Naming::Setting;
    }
    let before = std::iter::once("").chain(words.iter().map(String::as_str));
    let named = words
        .iter()
        .zip(before)
        .map(|(word, before)| of_word(word, before));
    let mut strongest = Naming::Setting;
    for naming in named {
        strongest = match (strongest, naming) {
            (Naming::Password, _) | (_, Naming::Password) => Naming::Password,
            (Naming::Credential, _) | (_, Naming::Credential) => Naming::Credential,
            (Naming::Perhaps, _) | (_, Naming::Perhaps) => Naming::Perhaps,
            _ => Naming::Setting,
        };
    }
    strongest
}

fn of_word(word: &str, before: &str) -> Naming {
    if matches!(word, "KEY" | "KEYS") && NO_KEYS.contains(&before) {
        Naming::Setting
    } else if PASSWORDS.contains(&word) {
        Naming::Password
    } else if CREDENTIALS.contains(&word) {
        Naming::Credential
    } else if PERHAPS.contains(&word) {
        Naming::Perhaps
    } else {
        let ending = ENDINGS.iter().find(|(end, _)| word.ends_with(end));
        ending.map_or(Naming::Setting, |(_, naming)| *naming)
    }
}

/// The words of a name in capitals: `apiKey2`, `API_KEY` and `--api-key` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(letter) = rest.next() {
        let is_next_small = rest.peek().is_some_and(char::is_ascii_lowercase);
        let is_hump = letter.is_ascii_uppercase()
            && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && is_next_small));
        if is_hump || !letter.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if letter.is_ascii_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_uppercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_words_begin() {
        for (name, expected) in [
            ("API_KEY", &["API", "KEY"][..]),
            ("apiKey2", &["API", "KEY"]),
            ("--api-key", &["API", "KEY"]),
            ("APIKey", &["API", "KEY"]),
            ("User Password", &["USER", "PASSWORD"]),
            ("__", &[]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn the_last_word_decides_what_a_name_is_about() {
        for (name, expected) in [
            ("ACCESSTOKEN", Naming::Credential),
            ("ADMINPASSWORD", Naming::Password),
            ("SECRET_KEY_BASE", Naming::Credential),
            ("KEY_VAULT_NAME", Naming::Setting),
            ("PRIMARY_KEY", Naming::Setting),
            ("BASIC_AUTH", Naming::Perhaps),
            ("AUTH_MODE", Naming::Setting),
            ("MONKEY", Naming::Setting),
            ("", Naming::Setting),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
