//! Warnings about a change that was carried out but may surprise.

use super::defaults_beside;
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::secret::Secret;

/// Shorter values are not redacted in tool answers, in bytes.
const SHORTEST_REDACTED: u32 = 8;

/// The warnings for a secret in its current state. They mention only those other secrets that the caller can list.
pub(super) fn warnings(
    index: &Index,
    caller: &Caller,
    secret: &Secret,
    is_shadowing: bool,
    is_guessable: bool,
) -> Vec<String> {
    let binding = &secret.binding;
    let is_short = secret.shown.bytes < SHORTEST_REDACTED;
    let is_another = |other: &Secret| {
        other.id != secret.id && caller.reaches_pattern(other.binding.tool.as_ref())
    };
    let has_namesake = index
        .named(&secret.name)
        .any(|other| is_another(other) && other.name == secret.name);
    let has_holder = defaults_beside(index, secret)
        .any(|other| is_another(other) && overlap_in_one_argument(secret, other));
    let mut warnings = Vec::new();
    if binding.applies_by_itself() && is_short {
        warnings.push(format!(
            "a default of fewer than {SHORTEST_REDACTED} characters cannot be redacted"
        ));
    }
    let others = [
        (
            is_guessable && !is_short && secret.policy.redact,
            "this value can be guessed in fewer than 2^50 tries, and redaction can confirm a guess",
        ),
        (
            has_namesake,
            "another secret has this name; a reference by name that fits both is refused",
        ),
        (
            binding.tool.is_none() || binding.argument.is_none(),
            "without both a tool and an argument, this secret is used only if a reference names it",
        ),
        (
            binding.argument.is_some() && binding.path().is_none(),
            "the argument begins with '/' but is not a JSON Pointer ('~' is written '~0'); this secret is never applied",
        ),
        (
            is_shadowing,
            "this default takes precedence over another one",
        ),
        (
            has_holder,
            "a pointer into an argument and the whole argument both have a default; the pointer wins",
        ),
    ];
    let applying = others.into_iter().filter(|(applies, _)| *applies);
    warnings.extend(applying.map(|(_, text)| text.to_owned()));
    warnings
}

/// Whether one is a default for an argument and the other for a member of it, or for it by pointer.
fn overlap_in_one_argument(secret: &Secret, other: &Secret) -> bool {
    let paths = secret.binding.path().zip(other.binding.path());
    paths.is_some_and(|(one, two)| {
        one.holds(two) || two.holds(one) || one.is_at(two) && one.is_pointer() != two.is_pointer()
    })
}
