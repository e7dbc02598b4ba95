//! `toolvault serve`: sets up the store, runs the server, and stops it.

mod announcement;
mod first_keys;
mod reload;
mod signals;

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_server::control::ControlSocket;
use toolvault_server::{Prepared, ServeError, Server, ServerSettings, Workers};
use toolvault_vault::{DatabaseLocation, Opened, SystemClock, SystemEntropy, Vault};

use self::signals::Signals;
use crate::config::{self, Configuration, ServeOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure, with_causes};
use crate::hygiene;
use crate::jobs;
use crate::logging;
use crate::store::{of_open_error, own_uid};
use crate::traces::export;

pub(crate) async fn run(
    options: ServeOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut configuration = config::load(&options, &context.environment, context.printer)?;
    let (traces, exporter) = export::prepare(&mut configuration)?.unzip();
    logging::start(configuration.log_format, &context.environment, traces)?;
    let prepared = prepare(&configuration.server)?;
    let connections = jobs::Connections::of(&configuration, &context.environment, exporter)?;
    let signals = Signals::catch()?;
    hygiene::raise_descriptors();
    let workers = Workers::start()?;
    make_profiles_directory();

    let Opened { vault, first_keys } = open(&configuration).await?;
    // The store has its keys now. Deliver them first, whatever fails later.
    if let Some(keys) = &first_keys {
        first_keys::deliver(keys, &configuration, context.printer)?;
    }
    let (server, control) = match listen(&vault, prepared, &configuration) {
        Ok(listening) => listening,
        Err(error) => {
            vault.close().await;
            return Err(error);
        }
    };
    let requests = reload::Requests::catch(server.handle(), &options, context)?;
    let url = announcement::url(server.local_address(), configuration.server.tls.is_some());
    let signed_in = match &first_keys {
        Some(keys)
            if first_keys::is_shown(&configuration, context.printer)
                && server.local_address().ip().is_loopback() =>
        {
            Some(first_keys::keep(keys, &url, context).await)
        }
        // A profile for this URL is of another store.
        Some(_) => None,
        None => announcement::signed_in(&url, context),
    };
    announcement::announce(&url, signed_in, context)?;
    // systemd waits for this with `Type=notify`; elsewhere it does nothing.
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(error = %error, "systemd was not told that the server is ready");
    }
    if let Some(address) = server.metrics_address() {
        tracing::info!(address = %address, "metrics are served without a credential");
    }
    if let Some(address) = server.ext_mcp_address() {
        tracing::info!(address = %address, "another gateway can ask about its messages");
    }
    let time_limit = Duration::from_secs(configuration.server.limits.shutdown_seconds);
    let handle = server.handle();
    let (environment, stop) = (&context.environment, &signals.stop);
    let jobs = Box::pin(jobs::run(
        &vault,
        &handle,
        &configuration,
        environment,
        connections,
        stop,
    ));
    tokio::select! {
        status = serve(&vault, (server, &workers), control, &signals, time_limit) => status,
        never = reload::follow(requests, &options, context) => match never {},
        never = jobs => match never {},
    }
}

/// Creates the directory of the profiles, if there is none: the sandbox hides only what exists when a program starts, and
/// a person may sign in later.
fn make_profiles_directory() {
    let Some(directory) = config::profiles_directory() else {
        return;
    };
    let mut builder = DirBuilder::new();
    if let Err(error) = builder.recursive(true).mode(0o700).create(directory) {
        tracing::debug!(error = %error, "the directory of the profiles cannot be created");
    }
}

/// Binds the addresses and checks what can be checked without a store, before one is set up.
fn prepare(settings: &ServerSettings) -> Result<Prepared, Failure> {
    Prepared::new(settings.clone()).map_err(|error| refused_to_serve(&error, settings))
}

/// Sets up the store, if it is empty, for a server that starts without a person: its keys are delivered, and kept in a
/// profile.
pub(super) async fn set_up(
    configuration: &Configuration,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    // Bound only to see that they can be: the service binds them itself.
    drop(prepare(&configuration.server)?);
    make_profiles_directory();
    let Opened { vault, first_keys } = open(configuration).await?;
    vault.close().await;
    let Some(keys) = &first_keys else {
        return Ok(());
    };
    let printer = context.printer;
    let file = first_keys::deliver(keys, configuration, printer)?;
    if let Some(file) = file {
        let file = file.display();
        printer.line(&format!(
            "A new store was set up. Its first keys are in {file}"
        ))?;
    }
    let address = configuration.server.listen;
    if address.ip().is_loopback() {
        let url = announcement::url(address, configuration.server.tls.is_some());
        printer.text(&first_keys::keep(keys, &url, context).await)?;
    }
    Ok(())
}

async fn open(configuration: &Configuration) -> Result<Opened, Failure> {
    let root_key = configuration.root_key.source()?;
    let opened = Vault::open(
        configuration.vault.clone(),
        &root_key,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    opened.await.map_err(|error| of_open_error(&error))
}

/// Listens, for the embedded database also at the socket for local commands.
fn listen(
    vault: &Vault,
    prepared: Prepared,
    configuration: &Configuration,
) -> anyhow::Result<(Server, Option<ControlSocket>)> {
    let server = Server::new(vault.clone(), prepared)
        .map_err(|error| refused_to_serve(&error, &configuration.server))?;
    let control = match &configuration.vault.database {
        DatabaseLocation::Directory(directory) => {
            let socket = ControlSocket::bind(directory, server.handle(), own_uid());
            Some(socket.map_err(|error| {
                let directory = directory.display();
                Failure::refused(format!("cannot open control.sock in {directory}: {error}")).hint(
                    "the path of a socket can have at most 107 bytes, and this user must own its directory",
                )
            })?)
        }
        DatabaseLocation::Postgres(_) => None,
    };
    Ok((server, control))
}

fn refused_to_serve(error: &ServeError, settings: &ServerSettings) -> Failure {
    let failure = Failure::refused(with_causes(error));
    match error {
        ServeError::Listen { address, .. } if Some(*address) == settings.metrics_listen => {
            failure.hint("choose another address in metrics_listen")
        }
        ServeError::Listen { address, .. }
            if (settings.ext_mcp.as_ref()).is_some_and(|ext_mcp| ext_mcp.listen == *address) =>
        {
            failure.hint("choose another address in ext_mcp.listen")
        }
        ServeError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse => failure
            .hint("another program, perhaps your own server, listens there: stop it, or choose another address with --listen"),
        ServeError::Listen { .. } => failure.hint("choose another address with --listen"),
        _ => failure,
    }
}

/// Serves until a signal, a second signal, or a failure of the storage.
async fn serve(
    vault: &Vault,
    (server, workers): (Server, &Workers),
    control: Option<ControlSocket>,
    signals: &Signals,
    time_limit: Duration,
) -> anyhow::Result<ExitStatus> {
    let storage_failed = vault.failed();
    let finishing = CancellationToken::new();
    let commands = async {
        if let Some(control) = control {
            control.run(finishing.clone()).await;
        }
    };
    let requests = async {
        let outcome = server.run(workers, signals.stop.clone()).await;
        // Local commands are served as long as requests are.
        finishing.cancel();
        outcome
    };
    let orderly = async {
        let (outcome, ()) = tokio::join!(requests, commands);
        vault.close().await;
        outcome
    };
    let overdue = async {
        signals.stop.cancelled().await;
        tokio::time::sleep(time_limit).await;
    };
    tokio::select! {
        biased;
        () = storage_failed.cancelled() => {
            tracing::error!("the storage reports lost or damaged data; the server stops");
            Ok(ExitStatus::Failed)
        }
        () = signals.stop_at_once.cancelled() => {
            tracing::warn!("received a second signal; requests in flight are abandoned");
            Ok(ExitStatus::Failed)
        }
        () = overdue => {
            tracing::warn!("stopping took longer than limits.shutdown_seconds; the rest is abandoned");
            Ok(ExitStatus::Success)
        }
        outcome = orderly => {
            outcome?;
            tracing::info!("stopped");
            Ok(ExitStatus::Success)
        }
    }
}
