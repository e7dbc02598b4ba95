//! Tool names, and the patterns over them in secrets and keys.
//!
//! Start at [`ToolPattern::matches`]. Matching looks at each byte a bounded number of times and
//! never backtracks, so no stored pattern can make a lookup slow.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) mod tests;

/// The longest name of a tool, a pattern, a secret or an argument, in Unicode code points.
pub const MAX_NAME_CHARS: usize = 1024;

/// The most bytes of UTF-8 in [`MAX_NAME_CHARS`] code points.
const MAX_NAME_BYTES: usize = MAX_NAME_CHARS * 4;

/// The character that stands for any run of characters, including none.
const WILDCARD: char = '*';

/// Why a text is neither a tool name nor a pattern. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name has at least 1 character")]
    Empty,
    /// The text has more than [`MAX_NAME_CHARS`] code points.
    #[error("a name has at most {MAX_NAME_CHARS} characters")]
    TooLong,
    /// The text has the character U+0000, which PostgreSQL cannot store.
    #[error("a name holds no NUL character")]
    Nul,
    /// The text must name one tool, but has the wildcard of patterns.
    #[error("the name of a tool holds no '*'")]
    Wildcard,
}

/// The name by which a runtime calls one tool, such as `agno__linear__get_issue_details`.
///
/// 1 to [`MAX_NAME_CHARS`] code points, any but `*` and NUL; case matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ToolName(String);

impl ToolName {
    /// Accepts `text` as it is, without trimming or normalising it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length_and_nul(text)?;
        if text.contains(WILDCARD) {
            return Err(NameError::Wildcard);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The `tool_name` of a secret: a tool name in which each `*` stands for any run of characters, including none.
///
/// 1 to [`MAX_NAME_CHARS`] code points, any but NUL; case matters and nothing escapes a `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ToolPattern(Box<str>);

impl ToolPattern {
    /// Accepts `text` as it is, without trimming or normalising it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length_and_nul(text)?;
        Ok(Self(text.into()))
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has no `*` and so matches one tool only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(WILDCARD)
    }

    /// How many of its code points are not `*`.
    pub fn literal_chars(&self) -> usize {
        self.0
            .chars()
            .filter(|&character| character != WILDCARD)
            .count()
    }

    /// The text before the first `*`, with which every matching name begins; the whole text if exact.
    pub fn literal_prefix(&self) -> &str {
        self.0.split(WILDCARD).next().unwrap_or_default()
    }

    /// The texts before the first `*` and after the last one.
    fn ends(&self) -> (&str, &str) {
        let suffix = self.0.rsplit(WILDCARD).next().unwrap_or_default();
        (self.literal_prefix(), suffix)
    }

    /// Whether it matches the whole name of `tool`.
    pub fn matches(&self, tool: &ToolName) -> bool {
        self.matches_text(tool.as_str())
    }

    /// Whether it matches the whole of `text`, in which a `*` is an ordinary character.
    ///
    /// The text before the first `*` is anchored at the start, the text after the last `*` at the end, and each text
    /// between them is matched where it first occurs. If any choice of positions succeeds, this one does.
    pub fn matches_text(&self, text: &str) -> bool {
        let mut literals = self.0.split(WILDCARD);
        let first = literals.next().unwrap_or_default();
        let Some(last) = literals.next_back() else {
            return text == first;
        };
        let inner = text
            .strip_prefix(first)
            .and_then(|rest| rest.strip_suffix(last));
        let Some(mut rest) = inner else {
            return false;
        };
        for literal in literals {
            match rest.split_once(literal) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// Whether `outer` matches every tool that this pattern matches.
    ///
    /// That is so when `outer` matches this pattern with each `*` replaced by a character that occurs in neither. NUL
    /// is such a character: no pattern has one.
    pub fn lies_inside(&self, outer: &Self) -> bool {
        outer.matches_text(&self.0.replace(WILDCARD, "\0"))
    }

    /// Whether it matches some text that begins with `prefix`.
    ///
    /// A pattern with a `*` does, unless the text before the `*` and `prefix` differ at a position that both have: the
    /// rest of the pattern can follow the longer of the two.
    pub fn may_match_after(&self, prefix: &str) -> bool {
        let literal = self.literal_prefix();
        literal.starts_with(prefix) || (!self.is_exact() && prefix.starts_with(literal))
    }

    /// Whether both patterns match some common tool.
    ///
    /// Two patterns with a `*` do if, of the texts before the first `*`, one begins with the other, and likewise of the
    /// texts after the last `*`: the middle parts can always follow each other.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.is_exact() {
            return other.matches_text(&self.0);
        }
        if other.is_exact() {
            return self.matches_text(&other.0);
        }
        let (prefix, suffix) = self.ends();
        let (other_prefix, other_suffix) = other.ends();
        (prefix.starts_with(other_prefix) || other_prefix.starts_with(prefix))
            && (suffix.ends_with(other_suffix) || other_suffix.ends_with(suffix))
    }
}

/// The rules common to names and patterns.
fn check_length_and_nul(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    // Bytes first, so that a huge text is refused without a scan.
    if text.len() > MAX_NAME_BYTES || text.chars().count() > MAX_NAME_CHARS {
        return Err(NameError::TooLong);
    }
    if text.contains('\0') {
        return Err(NameError::Nul);
    }
    Ok(())
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

text_conversions!(ToolName);
text_conversions!(ToolPattern);
