//! What every command is given.

use crate::environment::Environment;
use crate::printer::Printer;

/// The surroundings of one command.
pub(crate) struct Context<'a> {
    pub(crate) environment: Environment,
    pub(crate) printer: &'a Printer,
}
