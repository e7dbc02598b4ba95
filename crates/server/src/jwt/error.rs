//! The reasons for which a token is refused.

/// Why a token is refused. No variant holds anything from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    /// It is longer than 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// It is not three base64url parts with a JSON header, JSON claims and a signature.
    #[error("the token is malformed")]
    Malformed,
    /// Its header has a member that is not accepted, such as `crit`, `jku` or another `typ`.
    #[error("the token's header is not accepted")]
    Header,
    /// It is an ID token, or another token that was not issued for access.
    #[error("the token is not an access token")]
    NotAccessToken,
    /// It is not an ID token.
    #[error("the token is not an ID token")]
    NotIdToken,
    /// Its `alg` is not one of the issuer's, or not the key's.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Its `iss` is not a configured issuer.
    #[error("the token's issuer is not known")]
    UnknownIssuer,
    /// None of the issuer's keys has its `kid`, or it has no `kid` and several keys fit.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Its signature does not verify.
    #[error("the token's signature is wrong")]
    Signature,
    /// This claim is missing or of the wrong type or form.
    #[error("the token's claim '{0}' is missing or malformed")]
    Claim(&'static str),
    /// Its `aud` does not include this server.
    #[error("the token is for another audience")]
    Audience,
    /// Its `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Its lifetime is longer than the issuer's limit.
    #[error("the token's lifetime is too long")]
    Lifetime,
    /// The issuer's keys cannot be fetched: the answer is 503, not 401.
    #[error("the keys of the token's issuer are not available")]
    Unavailable,
}
