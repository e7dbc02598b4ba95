//! The arguments of every command.

use crate::environment::Environment;
use crate::printer::Printer;

/// The environment of one command.
pub(crate) struct Context<'a> {
    pub(crate) environment: Environment,
    pub(crate) printer: &'a Printer,
}
