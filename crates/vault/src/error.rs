//! Why an operation failed, by meaning. No variant holds the value of a secret.

use std::error::Error as StdError;

use toolvault_core::entropy::EntropyError;
use toolvault_core::envelope::OpenError;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;

use crate::store::dialect;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is missing, malformed, unknown, expired or revoked, or its user is disabled.
    #[error("missing or invalid credentials")]
    Unauthenticated,
    /// The caller lacks a right.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The object does not exist, or it is not the caller's.
    #[error("not found")]
    NotFound,
    /// The input cannot be accepted.
    #[error("invalid input")]
    Invalid(Vec<Problem>),
    /// The tool's arguments cannot be completed.
    #[error("arguments cannot be completed")]
    Unresolved(Vec<Problem>),
    /// A person must allow the call first. Nothing was opened.
    #[error("a person must allow the call")]
    ApprovalNeeded(Box<NeededApproval>),
    /// The request for approval was decided already, or its time is over.
    #[error("the request was decided already, or its time is over")]
    ApprovalEnded,
    /// The secret's entity tag is not one that the caller named.
    #[error("the secret has changed")]
    PreconditionFailed,
    /// A limit would be exceeded.
    #[error("{0}")]
    QuotaExceeded(&'static str),
    /// Database or audit trail did not answer in time; nothing was released.
    #[error("the store is not available")]
    Unavailable(#[source] Option<BoxError>),
    /// A row differs from what was stored.
    #[error("stored data failed verification")]
    Integrity,
    /// A defect of Toolvault.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

/// What a call needs of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededApproval {
    /// What a person must allow.
    pub need: Need,
    /// The secret whose policy asks; `None` if the configuration does.
    pub secret_name: Option<String>,
}

/// The cause of an internal error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The right that the caller lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The key does not carry the scope.
    #[error("This key lacks the scope '{0}'.")]
    MissingScope(Scope),
    /// The key's patterns exclude the tool.
    #[error("This key does not reach the tool '{0}'.")]
    ToolOutOfReach(String),
    /// The key is limited to tool patterns, and the secret is not bound to a tool.
    #[error("This key reaches only secrets that are bound to its tools.")]
    UnboundOutOfReach,
    /// The key is limited to tool patterns and cannot manage keys.
    #[error("A key that is limited to tool patterns cannot manage keys.")]
    LimitedKeyManagesKeys,
    /// The key is limited to tool patterns and cannot use `admin`.
    #[error("A key that is limited to tool patterns cannot use the scope 'admin'.")]
    LimitedKeyAdministers,
    /// The child's rights would exceed the creator's.
    #[error("A key cannot grant more than its creator has: {0}.")]
    ExceedsCreator(&'static str),
    /// Only a key with `any_user` may name another user.
    #[error("Only a key with 'any_user' may name the user it acts for.")]
    NotAnyUser,
    /// A key with `any_user` must name the user it acts for.
    #[error("This key acts for any user: name one in exactly one 'x-toolvault-user' header.")]
    UserNotNamed,
    /// The named user does not exist or is disabled.
    #[error("The user that this key acts for does not exist or is disabled.")]
    UserUnavailable,
    /// A person signed in at an issuer, and no active user is theirs.
    #[error("You signed in, but you have no user here, or it is disabled. Ask the administrator.")]
    NoUser,
    /// The policy of the secret forbids the change.
    #[error("This secret is protected; only its value may be replaced.")]
    SecretProtected,
    /// The caller, or a key from which it descends, made the call itself.
    #[error(
        "The key or token that made a call cannot decide about it. Use another key with `manage`."
    )]
    OwnCall,
}

impl Denial {
    /// The machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingScope(_) => "missing_scope",
            Self::ToolOutOfReach(_) | Self::UnboundOutOfReach => "tool_not_allowed",
            Self::LimitedKeyManagesKeys | Self::LimitedKeyAdministers => "limited_key",
            Self::ExceedsCreator(_) => "exceeds_creator",
            Self::NotAnyUser => "not_any_user",
            Self::UserNotNamed => "user_not_named",
            Self::UserUnavailable => "user_unavailable",
            Self::NoUser => "no_user",
            Self::SecretProtected => "secret_protected",
            Self::OwnCall => "own_call",
        }
    }
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The machine-readable type, such as `secret_missing`.
    pub kind: &'static str,
    /// Where: the path into the request.
    pub location: Vec<String>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Problem {
    /// A problem at `location`.
    pub fn new(kind: &'static str, location: &[&str], message: impl Into<String>) -> Self {
        Self {
            kind,
            location: location.iter().map(|&part| part.to_owned()).collect(),
            message: message.into(),
        }
    }
}

impl Error {
    /// A single invalid field.
    pub fn invalid(kind: &'static str, location: &[&str], message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(kind, location, message)])
    }

    /// Whether the storage reports lost or damaged data. Nothing that it returns can be trusted afterwards.
    pub(crate) fn is_fatal(&self) -> bool {
        let Self::Unavailable(Some(source)) = self else {
            return false;
        };
        source
            .downcast_ref::<sqlx::Error>()
            .is_some_and(dialect::is_fatal)
    }

    /// Whether the database refused a row, or holds one that cannot be read.
    pub(crate) fn is_about_rows(&self) -> bool {
        match self {
            Self::Integrity => true,
            Self::Unavailable(Some(source)) => source
                .downcast_ref::<sqlx::Error>()
                .is_some_and(dialect::is_about_rows),
            _ => false,
        }
    }

    /// The database's code, if the database reported the error.
    pub(crate) fn database_code(&self) -> Option<String> {
        let Self::Unavailable(Some(source)) = self else {
            return None;
        };
        dialect::code(source.downcast_ref::<sqlx::Error>()?)
    }

    pub(crate) fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<OpenError> for Error {
    fn from(_: OpenError) -> Self {
        Self::Integrity
    }
}

impl From<EntropyError> for Error {
    fn from(source: EntropyError) -> Self {
        Self::Internal(source.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        match source {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Integrity,
            sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Encode(_) => Self::Internal(source.into()),
            other => Self::Unavailable(Some(other.into())),
        }
    }
}
