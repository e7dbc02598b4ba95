//! Which environment variables get no secret.

/// Variables that decide which code a program runs, or where it connects to. A secret is never meant for them, and
/// whoever can store a secret would decide. Compared without case.
const DANGEROUS: [&str; 62] = [
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "BASH_ENV",
    "BUNDLE_GEMFILE",
    "CLASSPATH",
    "CURL_CA_BUNDLE",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOTNET_STARTUP_HOOKS",
    "EDITOR",
    "ENV",
    "GCONV_PATH",
    "GEM_HOME",
    "GEM_PATH",
    "GNUMAKEFLAGS",
    "GOAUTH",
    "GOENV",
    "GOFLAGS",
    "GOPROXY",
    "GOTOOLCHAIN",
    "GRADLE_OPTS",
    "HOME",
    "IFS",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "KUBECONFIG",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKEFLAGS",
    "MANPAGER",
    "MAVEN_ARGS",
    "MAVEN_OPTS",
    "MFLAGS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PAGER",
    "PATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PROMPT_COMMAND",
    "PYTHONBREAKPOINT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "REQUESTS_CA_BUNDLE",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
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
const DANGEROUS_PREFIXES: [&str; 11] = [
    "AWS_ENDPOINT_URL",
    "BASH_FUNC_",
    "CARGO_",
    "DYLD_",
    "GIT_",
    "LD_",
    "LUA_",
    "NPM_CONFIG_",
    "OPENSSL_",
    "PERL5",
    "PIP_",
];
/// The proxies of every protocol.
const PROXY: &str = "_PROXY";
/// What a group has for credentials, such as `CARGO_REGISTRY_TOKEN`.
const CREDENTIALS: [&str; 4] = ["_AUTH", "_AUTHTOKEN", "_PASSWORD", "_TOKEN"];

/// Whether a secret may be set in the variable `name`; if not, why.
pub(crate) fn require_harmless(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    let is_in_group = DANGEROUS_PREFIXES
        .iter()
        .any(|prefix| upper.starts_with(prefix));
    let is_credential = CREDENTIALS.iter().any(|end| upper.ends_with(end));
    let is_dangerous = DANGEROUS.contains(&upper.as_str())
        || upper.ends_with(PROXY)
        || (is_in_group && !is_credential);
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

    #[test]
    fn what_decides_which_code_runs_is_told_from_credentials() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "ld_x",
            "DYLD_Y",
            "BASH_ENV",
            "NODE_OPTIONS",
            "GIT_CONFIG_COUNT",
            "npm_config_registry",
            "https_proxy",
            "FTP_PROXY",
            "LUA_INIT_5_4",
            "PERL5DB",
            "OPENSSL_CONF",
            "PIP_INDEX_URL",
            "GOFLAGS",
            "MAVEN_OPTS",
            "PHPRC",
            "PYTHONBREAKPOINT",
            "MAKEFLAGS",
            "DOCKER_HOST",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
        ] {
            assert!(require_harmless(name).is_err(), "{name}");
        }
        for name in [
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_OURS_TOKEN",
            "GIT_TOKEN",
            "GIT_HTTP_PASSWORD",
            "NPM_CONFIG__AUTHTOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "DOCKER_PASSWORD",
        ] {
            assert!(require_harmless(name).is_ok(), "{name}");
        }
    }
}
