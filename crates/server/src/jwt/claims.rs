//! The claims of a token and their rules (RFC 7519, section 4.1).
//!
//! A claim of the wrong type is refused, not treated as absent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toolvault_core::json::{Object, Value, unambiguous as json};
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::algorithm::Algorithm;
use super::error::JwtError;

/// How much the issuer's clock may differ from ours, in microseconds.
const LEEWAY: i64 = 60 * SECOND;

/// The most bytes of a subject (`OpenID` Connect Core, section 2).
const MAX_SUBJECT_BYTES: usize = 255;

/// The last second of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Claims of ID tokens (`OpenID` Connect Core, section 2, and FAPI's `s_hash`), and of logout tokens and other security
/// events (RFC 8417).
const FOREIGN_CLAIMS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// The payload of a token.
pub(super) struct Claims<'a>(Object<'a>);

impl<'a> Claims<'a> {
    pub(super) fn new(members: Object<'a>) -> Self {
        Self(members)
    }

    /// The claim `iss`, unchanged: it is compared byte by byte, never normalised.
    pub(super) fn issuer(&self) -> Result<String, JwtError> {
        self.text("iss")
    }

    /// The claim `sub`: 1 to 255 bytes without control characters.
    pub(super) fn subject(&self) -> Result<String, JwtError> {
        let subject = self.text("sub")?;
        if subject.is_empty()
            || subject.len() > MAX_SUBJECT_BYTES
            || subject.chars().any(char::is_control)
        {
            return Err(JwtError::Claim("sub"));
        }
        Ok(subject)
    }

    /// Refuses claims that occur only in tokens with another purpose.
    pub(super) fn check_purpose(&self) -> Result<(), JwtError> {
        match FOREIGN_CLAIMS
            .iter()
            .find(|name| self.0.get(name).is_some())
        {
            Some(_) => Err(JwtError::NotAccessToken),
            None => Ok(()),
        }
    }

    /// Whether the claim `aud`, a string or an array of strings, includes one of `accepted`.
    pub(super) fn check_audience(&self, accepted: &[String]) -> Result<(), JwtError> {
        let malformed = JwtError::Claim("aud");
        let audience = self.0.get("aud").ok_or(malformed)?;
        let named = match json::text(audience) {
            Some(text) => vec![text],
            None => json::array(audience, json::text).ok_or(malformed)?,
        };
        if named.iter().any(|name| accepted.contains(name)) {
            Ok(())
        } else {
            Err(JwtError::Audience)
        }
    }

    /// Checks that this is the ID token that answers to one sign-in of the client (`OpenID` Connect Core, section
    /// 3.1.3.7): its `nonce`, `aud` and `azp`, and that it says when it was issued.
    pub(super) fn check_sign_in(&self, client_id: &str, nonce: &str) -> Result<(), JwtError> {
        if self.text("nonce")? != nonce {
            return Err(JwtError::Claim("nonce"));
        }
        if self.0.get("events").is_some() {
            return Err(JwtError::NotIdToken);
        }
        self.check_audience(&[client_id.to_owned()])?;
        let is_for_others = self.0.get("aud").and_then(Value::as_array);
        let is_for_others = is_for_others.is_some_and(|named| named.elements().count() > 1);
        let party = self.0.get("azp").map(|_| self.text("azp")).transpose()?;
        match party {
            Some(party) if party == client_id => {}
            None if !is_for_others => {}
            _ => return Err(JwtError::Audience),
        }
        self.date("iat")?.ok_or(JwtError::Claim("iat"))?;
        Ok(())
    }

    /// Checks that an ID token with the claim `at_hash` came with this access token (`OpenID` Connect Core, section
    /// 3.1.3.8): the left half of its hash.
    pub(super) fn check_access_token(
        &self,
        access_token: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<(), JwtError> {
        if self.0.get("at_hash").is_none() {
            return Ok(());
        }
        let named = self.text("at_hash")?;
        let half = access_token.map(|token| algorithm.left_half(token.as_bytes()));
        if half.is_some_and(|half| URL_SAFE_NO_PAD.encode(half) == named) {
            Ok(())
        } else {
            Err(JwtError::Claim("at_hash"))
        }
    }

    /// The claim `exp`, if the token is valid at `now` and its lifetime is within the limit.
    ///
    /// Without `iat`, the lifetime is counted from `now`, so that no token can outlast the limit.
    pub(super) fn check_times(
        &self,
        now: Timestamp,
        max_lifetime_seconds: u32,
    ) -> Result<Timestamp, JwtError> {
        let expires_at = self.date("exp")?.ok_or(JwtError::Claim("exp"))?;
        let not_before = self.date("nbf")?;
        let issued_at = self.date("iat")?;
        if now >= expires_at.plus(LEEWAY) {
            return Err(JwtError::Expired);
        }
        let soon = now.plus(LEEWAY);
        if [not_before, issued_at]
            .into_iter()
            .flatten()
            .any(|date| date > soon)
        {
            return Err(JwtError::NotYetValid);
        }
        let max_lifetime = i64::from(max_lifetime_seconds) * SECOND;
        if expires_at.since(issued_at.unwrap_or(soon)) > max_lifetime {
            return Err(JwtError::Lifetime);
        }
        Ok(expires_at)
    }

    /// The scopes in the claim `scope`, limited to `granted`; without the claim, `granted`.
    ///
    /// The claim is a list separated by spaces (RFC 8693, section 4.2). Unknown scopes grant nothing, and neither does
    /// an empty list.
    pub(super) fn scopes(&self, granted: ScopeSet) -> Result<ScopeSet, JwtError> {
        let Some(claim) = self.0.get("scope") else {
            return Ok(granted);
        };
        let list = json::text(claim).ok_or(JwtError::Claim("scope"))?;
        let named: ScopeSet = list
            .split(' ')
            .filter_map(|name| name.parse::<Scope>().ok())
            .collect();
        Ok(named.intersection(granted))
    }

    fn text(&self, name: &'static str) -> Result<String, JwtError> {
        self.0
            .get(name)
            .and_then(json::text)
            .ok_or(JwtError::Claim(name))
    }

    /// A `NumericDate` (RFC 7519, section 2): a number of seconds from 1970 to 9999.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the seconds are bounded, so the microseconds fit"
    )]
    fn date(&self, name: &'static str) -> Result<Option<Timestamp>, JwtError> {
        let Some(claim) = self.0.get(name) else {
            return Ok(None);
        };
        let seconds = claim.as_number().and_then(|number| number.parse().ok());
        let seconds = seconds.filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
        let microseconds = seconds.ok_or(JwtError::Claim(name))? * 1e6;
        Ok(Some(Timestamp::from_microseconds(
            microseconds.floor() as i64
        )))
    }
}
