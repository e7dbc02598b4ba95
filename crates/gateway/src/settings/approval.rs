//! Which tools of a server a person must allow.

use std::cmp::Reverse;

use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::policy::Approval;

/// Patterns of the server's own names for its tools, each with what calls of those tools ask for; `None` for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalRules(Vec<(ToolPattern, Option<Approval>)>);

impl ApprovalRules {
    /// Of the patterns that match a name, an exact one counts, or else the one with the most literal characters. They are
    /// those by which secrets are ranked, too. Of equal ones, the first counts.
    pub fn new(mut rules: Vec<(ToolPattern, Option<Approval>)>) -> Self {
        rules.sort_by_key(|(pattern, _)| Reverse((pattern.is_exact(), pattern.literal_chars())));
        Self(rules)
    }

    /// What calls of a tool ask for, by the server's own name for it.
    pub(crate) fn of(&self, tool: &str) -> Option<Approval> {
        if self.0.is_empty() {
            return None;
        }
        // A name that no pattern can match is one that the gateway does not call.
        let tool = ToolName::parse(tool).ok()?;
        let mut rules = self.0.iter();
        rules.find(|(pattern, _)| pattern.matches(&tool))?.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_pattern_counts_wherever_it_stands() {
        let rules = [
            ("*", Some(Approval::Writes)),
            ("delete_*", Some(Approval::Always)),
            ("delete_draft", None),
            ("*_draft", Some(Approval::First)),
        ];
        for turns in 0..rules.len() {
            let mut rules = rules.map(|(text, rule)| (ToolPattern::parse(text).unwrap(), rule));
            rules.rotate_left(turns);
            let rules = ApprovalRules::new(rules.to_vec());
            for (tool, expected) in [
                ("get", Some(Approval::Writes)),
                ("delete_issue", Some(Approval::Always)),
                ("delete_draft", None),
                ("save_draft", Some(Approval::First)),
                ("delete_old_draft", Some(Approval::Always)),
            ] {
                assert_eq!(rules.of(tool), expected, "{tool}");
            }
        }
        assert_eq!(ApprovalRules::default().of("get"), None);
    }
}
