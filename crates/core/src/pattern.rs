//! Names of tools and the patterns over them that secrets and keys hold.
//!
//! Start at [`ToolPattern::matches`]. Matching looks at each byte a bounded number of times and
//! never backtracks, so no stored pattern can make a lookup slow.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) mod tests;

/// The longest name of a tool, a pattern, a secret or an argument, in Unicode code points.
pub const MAX_NAME_CHARS: usize = 1024;

/// The most bytes that [`MAX_NAME_CHARS`] code points take in UTF-8.
const MAX_NAME_BYTES: usize = MAX_NAME_CHARS * 4;

/// The character that stands for any run of characters, also for none.
const WILDCARD: char = '*';

/// Why a text is neither the name of a tool nor a pattern; it never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("a name has at least 1 character")]
    Empty,
    /// It has more than [`MAX_NAME_CHARS`] code points.
    #[error("a name has at most {MAX_NAME_CHARS} characters")]
    TooLong,
    /// It holds the character U+0000, which no database column can keep.
    #[error("a name holds no NUL character")]
    Nul,
    /// It is to name one tool, but holds the wildcard of patterns.
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

/// What a secret's `tool_name` holds: a tool's name in which each `*` stands for any run of
/// characters, also none.
///
/// 1 to [`MAX_NAME_CHARS`] code points, any but NUL; case matters and nothing escapes a `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ToolPattern(String);

impl ToolPattern {
    /// Accepts `text` as it is, without trimming or normalising it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length_and_nul(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it holds no `*` and so matches one tool only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(WILDCARD)
    }

    /// How many code points it holds that are not `*`.
    pub fn literal_chars(&self) -> usize {
        self.0
            .chars()
            .filter(|&character| character != WILDCARD)
            .count()
    }

    /// The text before the first `*`, with which every matching name begins; all of it if exact.
    pub fn literal_prefix(&self) -> &str {
        self.0.split(WILDCARD).next().unwrap_or_default()
    }

    /// Whether it matches the whole name of `tool`.
    pub fn matches(&self, tool: &ToolName) -> bool {
        self.matches_text(tool.as_str())
    }

    /// Whether it matches the whole of `text`, in which a `*` is a character like any other.
    ///
    /// The text before the first `*` is anchored at the start, the text after the last at the end,
    /// and each text between is taken where it first occurs: if any choice succeeds, that one does.
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

    /// Whether every tool that it can match is one that `outer` matches too.
    ///
    /// That is so when `outer` matches this pattern with each `*` replaced by a character that
    /// occurs in neither. NUL is such a character: no pattern holds it.
    pub fn lies_inside(&self, outer: &Self) -> bool {
        outer.matches_text(&self.0.replace(WILDCARD, "\0"))
    }

    /// Whether some text that begins with `prefix`, of whatever length, is one that it matches.
    ///
    /// With a `*` there is one unless the text before it and `prefix` differ where both have characters: all
    /// that follows can be written behind the longer of the two.
    pub fn may_match_after(&self, prefix: &str) -> bool {
        let literal = self.literal_prefix();
        literal.starts_with(prefix) || (!self.is_exact() && prefix.starts_with(literal))
    }

    /// Whether there is a tool that both can match.
    ///
    /// Two patterns with a `*` have one if the text before the first `*` of one begins with the other's, and
    /// likewise at the end: what stands between can always be written one after the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.is_exact() {
            return other.matches_text(&self.0);
        }
        if other.is_exact() {
            return self.matches_text(&other.0);
        }
        let ends = |pattern: &Self| {
            let suffix = pattern
                .0
                .rsplit(WILDCARD)
                .next()
                .unwrap_or_default()
                .to_owned();
            (pattern.literal_prefix().to_owned(), suffix)
        };
        let ((prefix, suffix), (other_prefix, other_suffix)) = (ends(self), ends(other));
        (prefix.starts_with(&other_prefix) || other_prefix.starts_with(&prefix))
            && (suffix.ends_with(&other_suffix) || other_suffix.ends_with(&suffix))
    }
}

/// What names and patterns have in common.
fn check_length_and_nul(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    // Bytes first, so that a huge text is refused without being read.
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
