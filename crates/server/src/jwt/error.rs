//! The reasons for which a token is refused.

/// Why a token is refused. No variant holds anything that came from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    /// It has more than 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// It is not three parts of base64url that hold a JSON header, JSON claims and a signature.
    #[error("the token is malformed")]
    Malformed,
    /// Its header holds a member that is not accepted, such as `crit`, `jku` or a foreign `typ`.
    #[error("the token's header is not accepted")]
    Header,
    /// It is an ID token, or another token that was not issued for access.
    #[error("the token is not an access token")]
    NotAccessToken,
    /// Its `alg` is not one of the issuer's, or not that of the key.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Its `iss` is no configured issuer's.
    #[error("the token's issuer is not known")]
    UnknownIssuer,
    /// Its `kid` is not that of any of the issuer's keys, or it has no `kid` and several keys fit.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Its signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// This claim is missing or of the wrong type or form.
    #[error("the token's claim '{0}' is missing or malformed")]
    Claim(&'static str),
    /// Its `aud` does not name this server.
    #[error("the token is for another audience")]
    Audience,
    /// Its `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` or `iat` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It is valid for longer than the issuer's tokens may be.
    #[error("the token's lifetime is too long")]
    Lifetime,
    /// The issuer's keys cannot be fetched: the answer is 503, not 401.
    #[error("the keys of the token's issuer are not available")]
    Unavailable,
}
