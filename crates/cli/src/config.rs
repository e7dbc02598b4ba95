//! The configuration: layers of values, and the validated settings made from them.
//!
//! [`layers`] collects values by key, each with its origin: defaults, file, environment, flags. [`validate`] makes a
//! [`Configuration`] from them, or reports all problems at once. The manual is `config.default.toml`. Start with
//! [`load`].

mod alarms;
mod bucket;
mod computed;
mod destination;
mod ext_mcp;
mod file;
mod first_keys;
mod flags;
mod gateway;
mod jobs;
mod keys;
mod layers;
mod reader;
mod root_key;
mod ship;
mod show;
#[cfg(test)]
mod tests;
mod traces;
mod validate;

pub(crate) use self::alarms::{Alarms, Way, read_signing_key};
pub(crate) use self::computed::{beside, profiles_directory, profiles_path};
pub(crate) use self::destination::Destination;
pub(crate) use self::file::{ConfigurationFile, ServerTable};
pub(crate) use self::first_keys::FirstKeysFile;
pub(crate) use self::flags::{ServeOptions, StoreOptions};
pub(crate) use self::gateway::is_reserved_header;
pub(crate) use self::jobs::{Backups, Checkpoints};
pub(crate) use self::layers::Layers;
pub(crate) use self::root_key::{RootKey, read_secret_file};
pub(crate) use self::ship::Shipping;
pub(crate) use self::show::show;
pub(crate) use self::traces::Tracing;
pub(crate) use self::validate::{Configuration, LogFormat};
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::printer::Printer;

/// All layers, with their warnings.
pub(crate) fn collect(options: &ServeOptions, environment: &Environment) -> Layers {
    let mut layers = Layers::default();
    layers.add_defaults();
    if let Some(path) = &options.store.config {
        layers.add_file(path);
    } else if let Some(path) = environment.get(environment::CONFIG) {
        layers.add_file(path.as_ref());
    } else if let Some(path) = computed::standard_path().filter(|path| path.exists()) {
        layers.add_file(&path);
    }
    layers.add_environment(environment);
    layers.add_flags(options);
    computed::complete(&mut layers);
    gateway::warn_of_literals(&mut layers);
    layers
}

/// The validated configuration; warnings are printed.
pub(crate) fn load(
    options: &ServeOptions,
    environment: &Environment,
    printer: &Printer,
) -> Result<Configuration, Failure> {
    let layers = collect(options, environment);
    for warning in layers.warnings() {
        printer.error_line(&format!("warning: {warning}"));
    }
    let mut configuration = validate::validate(layers).map_err(|problems| {
        Failure::refused(problems.join("; "))
            .hint("toolvault config shows where each value came from")
    })?;
    environment
        .handed_on()
        .clone_into(&mut configuration.server.gateway.inherited);
    Ok(configuration)
}
