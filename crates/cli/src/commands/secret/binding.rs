//! The options that change what a secret is bound to.

use clap::Args;

use crate::api::secrets::Change;

#[derive(Args)]
#[group(multiple = true)]
pub(super) struct Binding {
    /// Tool that gets the secret; * matches any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// Argument of the tool that gets the secret
    #[arg(long, value_name = "ARGUMENT")]
    arg: Option<String>,
    /// Fill the argument when a call omits it
    #[arg(long, conflicts_with = "no_default")]
    default: bool,
    /// Do not fill the argument when a call omits it
    #[arg(long)]
    no_default: bool,
}

impl Binding {
    /// What the options change; what is left out stays as it is.
    pub(super) fn change(&self) -> Change<'_> {
        Change {
            tool_name: self.tool.as_deref(),
            tool_arg: self.arg.as_deref(),
            is_default_for_tool: (self.default || self.no_default).then_some(self.default),
            ..Change::default()
        }
    }
}
