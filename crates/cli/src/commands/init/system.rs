//! The server as a service of the system, with a user of its own, as the Debian package makes it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use toolvault_vault::{RootKeySource, SystemEntropy};

use super::{InitOptions, systemd, unit};
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::{Failure, with_causes};
use crate::new_file::NewFile;
use crate::store::own_uid;

const SYSUSERS: &str = include_str!("../../../../../packaging/toolvault.sysusers");
const CONFIGURATION: &str = include_str!("../../../../../packaging/toolvault.toml");
const DIRECTORY: &str = "/etc/toolvault";
const CONFIGURATION_FILE: &str = "/etc/toolvault/toolvault.toml";
const ROOT_KEY_FILE: &str = "/etc/toolvault/root.key";
const UNIT: &str = "/etc/systemd/system/toolvault.service";
/// The unit of the Debian package.
const UNIT_OF_PACKAGE: &str = "/usr/lib/systemd/system/toolvault.service";
/// Where the service's user can read the program.
const PROGRAM: &str = "/usr/local/bin/toolvault";

pub(super) async fn make(options: &InitOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let printer = context.printer;
    if own_uid() != 0 {
        return Err(Failure::refused("only root can make a service of the system")
            .hint("run: sudo toolvault init --system; or leave out --system for a service of your user")
            .into());
    }
    if Path::new(UNIT_OF_PACKAGE).exists() {
        return Err(
            Failure::refused("the package toolvault has made the service already")
                .hint("start it with: systemctl enable --now toolvault")
                .into(),
        );
    }
    let own = systemd::own_program()?;
    printer.text(&format!(
        "This makes, where it is not there yet:
  the program        {PROGRAM}
  the user           toolvault
  the configuration  {CONFIGURATION_FILE}
  the root key       {ROOT_KEY_FILE}
  the service        {UNIT}"
    ))?;
    confirm("Do this?", options.yes, printer)?;
    if own != PROGRAM {
        install(&own)?;
    }
    systemd::run(&["systemd-sysusers", "-"], SYSUSERS)?;
    configure()?;
    // An existing one is read, and never replaced.
    RootKeySource::File(ROOT_KEY_FILE.into())
        .load_or_create(&[], &SystemEntropy, None)
        .await
        .map_err(|error| Failure::refused(with_causes(&error)))?;
    systemd::write_unit(Path::new(UNIT), &unit::of_system(PROGRAM))?;
    fs::set_permissions(UNIT, fs::Permissions::from_mode(0o644))?;
    systemd::start(&[], "journalctl --unit toolvault")?;
    Ok(printer.text(&format!(
        "The server runs as the service toolvault, also after a restart.
Copy {ROOT_KEY_FILE} to a safe place: without it, neither the database nor a backup can be read.
The first keys of a new store are in /var/lib/toolvault/first-keys: put them where you use them.
Each person signs in with a key: toolvault login"
    ))?)
}

/// Copies the program to where the service's user can read it.
fn install(own: &str) -> Result<(), Failure> {
    let copied = || {
        let mut file = NewFile::begin(Path::new(PROGRAM), true)?;
        file.write(&fs::read(own)?)?;
        file.finish()?;
        fs::set_permissions(PROGRAM, fs::Permissions::from_mode(0o755))
    };
    copied().map_err(|error| Failure::refused(format!("cannot copy {own} to {PROGRAM}: {error}")))
}

/// Makes the configuration, which only root and the service can read.
fn configure() -> Result<(), Failure> {
    let made = || {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o750).create(DIRECTORY)?;
        if !Path::new(CONFIGURATION_FILE).try_exists()? {
            let mut file = NewFile::begin(Path::new(CONFIGURATION_FILE), false)?;
            file.write(CONFIGURATION.as_bytes())?;
            file.finish()?;
            fs::set_permissions(CONFIGURATION_FILE, fs::Permissions::from_mode(0o644))?;
        }
        Ok::<(), std::io::Error>(())
    };
    made().map_err(|error| Failure::refused(format!("{DIRECTORY}: {error}")))?;
    systemd::run(&["chgrp", "toolvault", DIRECTORY], "")
}
