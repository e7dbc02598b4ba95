//! Why a command failed: a message, a hint, and the exit status.
//!
//! Any other error that reaches `main` is an internal failure and exits with status 2.

use std::fmt;
use std::process::ExitCode;

/// The exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done.
    Success,
    /// Refused, or the input is invalid: the caller can correct it.
    Refused,
    /// A failure of Toolvault, of the machine or of the server.
    Failed,
    /// That of a command that was run, or what `toolvault run` says of it.
    OfCommand(u8),
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Refused => 1,
            ExitStatus::Failed => 2,
            ExitStatus::OfCommand(status) => status,
        })
    }
}

/// An error with a hint.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: ExitStatus,
    message: String,
    pub(crate) hint: Option<String>,
    /// Whether something was not found.
    pub(crate) is_not_found: bool,
    /// Whether the server did not accept the credential.
    pub(crate) is_unauthenticated: bool,
}

impl Failure {
    /// A failure that the caller can correct.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self {
            status: ExitStatus::Refused,
            message: message.into(),
            hint: None,
            is_not_found: false,
            is_unauthenticated: false,
        }
    }

    /// A failure of Toolvault, of the machine or of the server.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            status: ExitStatus::Failed,
            ..Self::refused(message)
        }
    }

    /// Marks that something was not found.
    pub(crate) fn not_found(mut self) -> Self {
        self.is_not_found = true;
        self
    }

    /// Marks that the server did not accept the credential.
    pub(crate) fn unauthenticated(mut self) -> Self {
        self.is_unauthenticated = true;
        self
    }

    /// The same failure in other words.
    pub(crate) fn reworded(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// The same failure with another exit status.
    pub(crate) fn with_status(self, status: ExitStatus) -> Self {
        Self { status, ..self }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The message of an error and of its causes, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    // A transparent error has the same message as its source, and others end with it.
    texts.dedup_by(|cause, error| error.ends_with(cause.as_str()));
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Error {
        #[error("the disk is full")]
        Full,
        #[error(transparent)]
        Same(Box<Error>),
        #[error("cannot write: {0}")]
        Ending(#[source] Box<Error>),
        #[error("cannot store")]
        Other(#[source] Box<Error>),
    }

    #[test]
    fn no_cause_is_told_twice() {
        use Error::{Ending, Full, Other, Same};
        let full = || Box::new(Full);
        for (error, text) in [
            (Same(full()), "the disk is full"),
            (
                Ending(Box::new(Same(full()))),
                "cannot write: the disk is full",
            ),
            (Other(full()), "cannot store: the disk is full"),
            (
                Other(Box::new(Ending(full()))),
                "cannot store: cannot write: the disk is full",
            ),
            (
                Ending(Box::new(Other(full()))),
                "cannot write: cannot store: the disk is full",
            ),
        ] {
            assert_eq!(with_causes(&error), text);
        }
    }
}
