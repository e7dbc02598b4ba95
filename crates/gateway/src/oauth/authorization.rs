//! Where a person goes to sign in, and what the browser brings back (RFC 6749, section 4.1, RFC 7636, RFC 8707 and RFC
//! 9207).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::sha256;
use toolvault_core::keyring::is_equal;

use super::error::OAuthError;
use super::issuer::Issuer;

/// The scope without which some servers give no refresh token.
const OFFLINE_ACCESS: &str = "offline_access";

/// A sign-in that is being asked for.
pub(crate) struct Request<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) state: &'a str,
    pub(crate) verifier: &'a str,
}

impl Request<'_> {
    /// Where the person signs in.
    pub(crate) fn url(&self, issuer: &Issuer) -> Result<String, OAuthError> {
        let mut url = issuer.sign_in()?.clone();
        let challenge = URL_SAFE_NO_PAD.encode(sha256(self.verifier.as_bytes()));
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("state", self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", self.resource);
        if !self.scopes.is_empty() {
            query.append_pair("scope", &self.scopes.join(" "));
        }
        if has_offline_access(self.scopes) {
            // OpenID Connect Core, section 11: otherwise the scope has no effect.
            query.append_pair("prompt", "consent");
        }
        drop(query);
        Ok(url.into())
    }
}

/// The scopes, with `offline_access` where it gives a refresh token.
pub(crate) fn with_offline_access(mut scopes: Vec<String>, issuer: &Issuer) -> Vec<String> {
    if has_offline_access(&issuer.scopes) && !has_offline_access(&scopes) {
        scopes.push(OFFLINE_ACCESS.to_owned());
    }
    scopes
}

fn has_offline_access(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == OFFLINE_ACCESS)
}

/// What the browser brings back from the authorization server.
#[expect(missing_debug_implementations, reason = "it holds a code")]
pub struct AuthorizationAnswer {
    /// The code, if the person signed in.
    pub code: Option<Wiped<String>>,
    /// The error, if not.
    pub error: Option<String>,
    /// What the sign-in began with.
    pub state: String,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

impl AuthorizationAnswer {
    /// The code, if this answers to the sign-in with this state at this authorization server. Who answers is checked before
    /// anything else of the answer counts, also of an error.
    pub(crate) fn code(
        self,
        state: &str,
        issuer: &str,
        names_itself: bool,
    ) -> Result<Wiped<String>, OAuthError> {
        let is_from_issuer = match &self.iss {
            Some(named) => named == issuer,
            None => !names_itself,
        };
        if !is_equal(self.state.as_bytes(), state.as_bytes()) || !is_from_issuer {
            return Err(OAuthError::Mismatch);
        }
        if let Some(error) = self.error {
            return Err(match error.as_str() {
                "access_denied" => OAuthError::Denied,
                "invalid_scope" => OAuthError::Scope,
                "unauthorized_client" => OAuthError::Client,
                "server_error" => OAuthError::Refused("server_error"),
                "temporarily_unavailable" => OAuthError::Refused("temporarily_unavailable"),
                "invalid_target" => OAuthError::Refused("invalid_target"),
                "invalid_request" => OAuthError::Refused("invalid_request"),
                _ => OAuthError::Refused("another error"),
            });
        }
        let code = self.code.filter(|code| !code.is_empty());
        code.ok_or(OAuthError::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example/";

    fn code(error: Option<&str>, state: &str, iss: Option<&str>, names: bool) -> OAuthError {
        let answer = AuthorizationAnswer {
            code: Some(Wiped::new("c".to_owned())),
            error: error.map(str::to_owned),
            state: state.to_owned(),
            iss: iss.map(str::to_owned),
        };
        match answer.code("s", ISSUER, names) {
            Ok(code) => {
                assert_eq!(*code, "c");
                OAuthError::NoIssuer
            }
            Err(error) => error,
        }
    }

    #[test]
    fn only_the_answer_of_the_same_server_to_the_same_sign_in_counts() {
        for (state, iss, names, is_good) in [
            ("s", Some(ISSUER), true, true),
            ("s", Some(ISSUER), false, true),
            ("s", None, false, true),
            ("s", None, true, false),
            ("s", Some("https://issuer.example"), false, false),
            ("s", Some("https://evil.example/"), true, false),
            ("s", Some(""), false, false),
            ("S", Some(ISSUER), true, false),
            ("", Some(ISSUER), true, false),
        ] {
            let outcome = code(None, state, iss, names);
            assert_eq!(matches!(outcome, OAuthError::NoIssuer), is_good, "{iss:?}");
            // The error of another server is not believed.
            let outcome = code(Some("access_denied"), state, iss, names);
            assert_eq!(matches!(outcome, OAuthError::Denied), is_good, "{iss:?}");
        }
    }

    #[test]
    fn no_text_of_the_server_is_repeated() {
        let error = code(Some("<script>"), "s", Some(ISSUER), true);
        assert!(!error.to_string().contains("script"), "{error}");
    }
}
