//! Which defaults apply to the tools of one server in the gateway.

use toolvault_core::pattern::ToolPattern;

/// The defaults that apply to a server's tools: those whose text before the first `*` begins with this prefix; `None`
/// for all of them.
///
/// The owner of a broad pattern such as `*` thought of the tools they knew. A server names its tools itself, so such a
/// pattern must not give it a credential (contract, section 7 rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within(pub Option<String>);

impl Within {
    pub(crate) fn admits(&self, pattern: &ToolPattern) -> bool {
        self.0
            .as_deref()
            .is_none_or(|prefix| pattern.literal_prefix().starts_with(prefix))
    }
}
