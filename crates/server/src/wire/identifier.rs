//! The ID of a secret in a path, in every form that pydantic accepts, with pydantic's error messages.
//!
//! The `uuid` crate parses it. Its messages change between versions, so this file has those of the version in
//! pydantic-core 2.50.

use uuid::Uuid;

use super::error::{Problem, ValidationErrors};
use super::percent::percent_decode;

const URN: &str = "urn:uuid:";
const GROUP_LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
const HYPHENATED_LENGTH: usize = 36;
/// The longest form, after `urn:uuid:`.
const MAXIMUM_LENGTH: usize = 45;

/// Parses the path segment `segment`, still percent-encoded, that the route names `name`.
pub(crate) fn identifier_in_path(
    name: &'static str,
    segment: &str,
    errors: &mut ValidationErrors,
) -> Option<Uuid> {
    errors.keep(parse(&percent_decode(segment)), || {
        vec!["path".into(), name.into()]
    })
}

/// Plain, hyphenated, in braces, or after `urn:uuid:` in lower case.
pub(super) fn parse(text: &str) -> Result<Uuid, Problem> {
    // Newer versions of the crate accept the prefix in any case; pydantic's version does not.
    let is_known_form = text.len() != MAXIMUM_LENGTH || text.starts_with(URN);
    Uuid::try_parse(text)
        .ok()
        .filter(|_| is_known_form)
        .ok_or_else(|| {
            let error = refusal(text);
            let message = format!("Input should be a valid UUID, {error}");
            Problem::new("uuid_parsing", message).with("error", error)
        })
}

/// The message for a text that is not a UUID.
fn refusal(text: &str) -> String {
    let in_braces = text
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'));
    let wrapped = match in_braces {
        Some(inner) => Some((1, inner)),
        None => text.strip_prefix(URN).map(|inner| (URN.len(), inner)),
    };
    // A hyphenated form of the right length is judged without the braces or prefix around it.
    let (whole, start, digits) = match wrapped.filter(|_| text.len() != HYPHENATED_LENGTH) {
        Some((_, inner)) if inner.len() == HYPHENATED_LENGTH => (inner, 0, inner),
        Some((start, inner)) => (text, start, inner),
        None => (text, 0, text),
    };
    if whole.is_empty() || whole.len() > MAXIMUM_LENGTH {
        return format!("invalid length: found {}", whole.len());
    }
    let is_foreign =
        |&(_, character): &(usize, char)| !character.is_ascii_hexdigit() && character != '-';
    if let Some((index, character)) = digits.char_indices().find(is_foreign) {
        return format!(
            "invalid character: found `{character}` at {}",
            start + index
        );
    }
    let groups = digits.split('-').count();
    if groups == 1 && wrapped.is_none() && text.len() != HYPHENATED_LENGTH {
        return format!("invalid length: found {}", text.len());
    }
    if groups != GROUP_LENGTHS.len() {
        return format!("invalid group count: expected 5, found {groups}");
    }
    wrong_group(whole, digits)
}

/// The first of five groups with a wrong length; the last one extends to the end of the text.
fn wrong_group(whole: &str, digits: &str) -> String {
    let lengths = digits.split('-').map(str::len);
    let wrong = lengths
        .zip(GROUP_LENGTHS)
        .take(4)
        .enumerate()
        .find(|(_, (found, right))| found != right);
    let (group, (found, right)) = wrong.unwrap_or((4, (whole.len().saturating_sub(24), 12)));
    format!("invalid group length in group {group}: expected {right}, found {found}")
}
