//! The server as a service of the user, so that it runs after a restart of the machine.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use directories::BaseDirs;
use toolvault_gateway::http::{HeaderMap, Method};

use super::InitOptions;
use super::{systemd, unit};
use crate::api::connection::{self, Server, require_own_machine};
use crate::commands::mcp::file;
use crate::commands::serve;
use crate::confirm::confirm;
use crate::context::Context;
use crate::environment::{CONFIG, NOT_SETTINGS};
use crate::failure::Failure;

const SYSTEMCTL: &str = "systemctl";

/// Makes the service if no server runs and the person wants one.
pub(super) async fn offer(options: &InitOptions, context: &Context<'_>) -> anyhow::Result<()> {
    if options.no_service {
        return Ok(());
    }
    require_own_machine(&options.connection, &context.environment)?;
    if let Some(url) = running(options, context).await? {
        if options.service {
            return Err(Failure::refused(format!("a server runs already at {url}"))
                .hint("stop it first, or leave out --service")
                .into());
        }
        return Ok(());
    }
    if !systemd::succeeds(SYSTEMCTL, &["--user", "show-environment"]) {
        if options.service {
            return Err(Failure::refused("systemd does not run for this user")
                .hint(
                    "sign in as this user, not with su; or start the server with: toolvault serve",
                )
                .into());
        }
        return Ok(());
    }
    confirm(
        "No server runs. Make a service of your user (systemd --user) that runs it now and after a restart?",
        options.yes || options.service,
        context.printer,
    )?;
    make(options, context).await
}

/// The URL of the server, if it answers.
async fn running(options: &InitOptions, context: &Context<'_>) -> Result<Option<String>, Failure> {
    let server = Server::of(&options.connection, &context.environment)?;
    let policy = server.policy();
    let url = server.url(&policy)?;
    let client = connection::client(policy)?;
    let answer = client
        .send(Method::GET, url.as_str(), HeaderMap::new(), Bytes::new())
        .await;
    Ok(answer.is_ok().then(|| url.origin().ascii_serialization()))
}

async fn make(options: &InitOptions, context: &Context<'_>) -> anyhow::Result<()> {
    refuse_variables(context)?;
    let unit = unit(options, context)?;
    let path = unit_path()?;
    let configuration = file::load(&options.file, context)?;
    // The keys of a new store must reach the person. A service has no terminal, and no profile of theirs.
    serve::set_up(&configuration, context).await?;
    systemd::write_unit(&path, &unit)?;
    systemd::start(&["--user"], "journalctl --user --unit toolvault")?;
    let printer = context.printer;
    printer.line(&format!(
        "The server runs as your service: {}",
        path.display()
    ))?;
    if let Some(name) = own_name()
        && !systemd::succeeds("loginctl", &["enable-linger", &name])
    {
        printer.line("It starts when you sign in. To start it with the machine, run once:")?;
        printer.line(&format!("  sudo loginctl enable-linger {name}"))?;
    }
    printer.line("")?;
    Ok(())
}

/// The service does not get the variables of this terminal.
fn refuse_variables(context: &Context<'_>) -> Result<(), Failure> {
    let mut names = context.environment.iter().map(|(name, _)| name);
    let Some(name) = names.find(|name| !NOT_SETTINGS.contains(name)) else {
        return Ok(());
    };
    Err(
        Failure::refused(format!("{name} is set here, and a service would not have it")).hint(
            "write the setting to the configuration file, and unset the variable; toolvault config shows both",
        ),
    )
}

fn unit(options: &InitOptions, context: &Context<'_>) -> Result<String, Failure> {
    let environment = &context.environment;
    let named = options.file.config.clone();
    let configuration = named.or_else(|| environment.get(CONFIG).map(PathBuf::from));
    let configuration = configuration.map(std::path::absolute).transpose();
    let configuration = configuration
        .map_err(|error| Failure::refused(format!("the configuration file: {error}")))?;
    let mut handed_on = environment.handed_on().iter();
    let path = handed_on.find(|(name, _)| name == "PATH");
    let path = path.map_or("/usr/local/bin:/usr/bin:/bin", |(_, path)| path);
    let is_text = |text: &str| !text.contains(char::is_control);
    let file = configuration.as_deref().map(Path::to_str);
    if !is_text(path) || !file.is_none_or(|file| file.is_some_and(is_text)) {
        return Err(Failure::refused(
            "PATH or the path of the configuration file has control characters",
        ));
    }
    Ok(unit::of_user(
        &systemd::own_program()?,
        configuration.as_deref(),
        path,
    ))
}

fn unit_path() -> Result<PathBuf, Failure> {
    let directories =
        BaseDirs::new().ok_or_else(|| Failure::refused("there is no home directory"))?;
    Ok(directories
        .config_dir()
        .join("systemd/user/toolvault.service"))
}

/// The name of the user in the list of users.
fn own_name() -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let own = crate::store::own_uid().to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == own).then(|| name.to_owned())
    })
}
