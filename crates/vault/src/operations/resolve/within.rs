//! Which defaults apply behind a server of the gateway.

use toolvault_core::pattern::ToolPattern;

/// Which of a user's defaults apply behind one server: those whose text before the first `*` begins with
/// this prefix; `None` for all of them.
///
/// A wide pattern such as `*` was meant for the tools that its owner knew. It must not hand a credential to
/// whatever a server calls its own (contract, section 7 rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within(pub Option<String>);

impl Within {
    pub(crate) fn admits(&self, pattern: &ToolPattern) -> bool {
        self.0
            .as_deref()
            .is_none_or(|prefix| pattern.literal_prefix().starts_with(prefix))
    }
}
