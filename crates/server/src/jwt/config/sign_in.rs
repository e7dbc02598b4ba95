//! The settings of issuers at which people sign in.

use toolvault_core::scope::ScopeSet;
use toolvault_gateway::HttpError;

use super::{IssuerConfig, IssuerConfigError, default_scopes};

/// The most bytes of the name of an issuer at which people sign in.
const LONGEST_NAME: usize = 64;

impl IssuerConfig {
    /// The scopes of people who sign in at the issuer; `None` if they cannot.
    pub(crate) fn scopes_of_people(&self) -> Option<ScopeSet> {
        self.client_id.as_ref()?;
        Some(self.sign_in_scopes.unwrap_or_else(default_scopes))
    }

    /// Where the issuer describes itself (`OpenID` Connect Discovery, section 4).
    pub(crate) fn discovery_url(&self) -> String {
        let base = self.issuer.trim_end_matches('/');
        format!("{base}/.well-known/openid-configuration")
    }
}

/// Checks the settings of an issuer at which people sign in. Opens neither files nor connections.
pub(super) fn validate(config: &IssuerConfig) -> Result<(), IssuerConfigError> {
    let name = || config.name.clone();
    if config.client_id.is_none() {
        for (field, is_set) in [
            ("client_secret_file", config.client_secret_file.is_some()),
            ("sign_in_scopes", config.sign_in_scopes.is_some()),
        ] {
            if is_set {
                let name = name();
                return Err(IssuerConfigError::NeedsClient { name, field });
            }
        }
        return Ok(());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=LONGEST_NAME).contains(&config.name.len()) || !config.name.bytes().all(is_plain) {
        return Err(IssuerConfigError::Name(name()));
    }
    let refused = |source| IssuerConfigError::Url {
        name: name(),
        source,
    };
    let url = config.policy().check(&config.issuer).map_err(refused)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused(HttpError::InvalidUrl));
    }
    Ok(())
}
