//! Why a document is refused, and what it may cost.

/// How many arrays and objects may be nested; `CPython` gives up near 950 under `FastAPI`.
pub const MAXIMUM_DEPTH: usize = 900;

/// How many digits an integer may have, as in `CPython` since 3.11 (`sys.int_info`).
pub const MAXIMUM_INTEGER_DIGITS: usize = 4300;

/// Why a document was refused. It never holds any of the document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not JSON: Python's `JSONDecodeError`, to the letter.
    #[error("{message}: character {position}")]
    Syntax {
        /// The text of `JSONDecodeError.msg`.
        message: &'static str,
        /// `JSONDecodeError.pos`, in Unicode code points, without a byte order mark.
        position: usize,
    },
    /// The document is not UTF-8, or it looks like UTF-16 or UTF-32.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// More than [`MAXIMUM_DEPTH`] arrays and objects are nested.
    #[error("the document is nested too deep")]
    TooDeep,
    /// An integer has more than [`MAXIMUM_INTEGER_DIGITS`] digits.
    #[error("a number is too long")]
    NumberTooLong,
}
