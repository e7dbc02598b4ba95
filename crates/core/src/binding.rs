//! Where a secret may be applied: a tool pattern, an argument, and whether it is a default.

use crate::pattern::{ToolName, ToolPattern};
use crate::pointer::ArgumentPath;

/// The binding of a secret, with the flag that makes it a default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The tools that may receive it. With `None`, a reference may give it to any tool.
    pub tool: Option<ToolPattern>,
    /// The argument that may receive it, as a name or a pointer. With `None`, a reference may give it to any argument.
    pub argument: Option<Box<str>>,
    /// `is_default_for_tool` on the wire.
    pub is_default: bool,
}

impl Binding {
    /// Whether it can be applied without a reference to an argument that was not received.
    ///
    /// Only a default that names both a pattern and a place in the arguments can (contract, section 4 rule 4).
    pub fn applies_by_itself(&self) -> bool {
        self.is_default && self.tool.is_some() && self.path().is_some()
    }

    /// The place in the arguments; `None` without an argument, or for a pointer with a wrong escape, which has no
    /// place.
    pub fn path(&self) -> Option<ArgumentPath<'_>> {
        ArgumentPath::parse(self.argument.as_deref()?).ok()
    }

    /// Whether a reference may give it to `argument` of `tool`, default or not (rule 6).
    pub fn permits_reference(&self, tool: &ToolName, argument: ArgumentPath<'_>) -> bool {
        let is_for_tool = self
            .tool
            .as_ref()
            .is_none_or(|pattern| pattern.matches(tool));
        is_for_tool
            && (self.argument.is_none() || self.path().is_some_and(|path| path.is_at(argument)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(tool: Option<&str>, argument: Option<&str>, is_default: bool) -> Binding {
        Binding {
            tool: tool.map(|text| ToolPattern::parse(text).unwrap()),
            argument: argument.map(Box::from),
            is_default,
        }
    }

    #[test]
    fn only_a_complete_default_applies_by_itself() {
        for (tool, argument, is_default, expected) in [
            (Some("a*"), Some("key"), true, true),
            (Some("a*"), Some("key"), false, false),
            (Some("a*"), None, true, false),
            (None, Some("key"), true, false),
            (None, None, true, false),
            (Some("a*"), Some("/params/key"), true, true),
            (Some("a*"), Some("/params/~key"), true, false),
        ] {
            let binding = binding(tool, argument, is_default);
            assert_eq!(binding.applies_by_itself(), expected, "{binding:?}");
        }
    }

    #[test]
    fn a_reference_must_fit_what_the_secret_is_bound_to() {
        let tool = ToolName::parse("linear__get").unwrap();
        for (bound_tool, bound_argument, expected) in [
            (None, None, true),
            (Some("linear__*"), None, true),
            (Some("linear__*"), Some("token"), true),
            (None, Some("token"), true),
            (Some("github__*"), None, false),
            (Some("github__*"), Some("token"), false),
            (Some("linear__*"), Some("Token"), false),
            (None, Some("token2"), false),
            (None, Some("/token"), true),
            (None, Some("/token/x"), false),
            (None, Some("/token~"), false),
        ] {
            for is_default in [false, true] {
                let binding = binding(bound_tool, bound_argument, is_default);
                assert_eq!(
                    binding.permits_reference(&tool, ArgumentPath::parse("token").unwrap()),
                    expected,
                    "{binding:?}"
                );
            }
        }
    }
}
