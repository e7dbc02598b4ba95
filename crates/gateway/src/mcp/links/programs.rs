//! The programs of one caller at one server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::HeaderMap;
use parking_lot::Mutex;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, parse};
use toolvault_vault::Clock;

use super::link::{DISCOVER, Link, Wire, is_modern};
use super::program::{ErrorLog, Program};
use super::slots::{Slot, Slots};
use crate::mcp::access::{Access, Entry, Principal};
use crate::mcp::protocol::{Era, Message};
use crate::mcp::refusal::UpstreamError;
use crate::mcp::rules::Rules;
use crate::mcp::used::Used;
use crate::settings::{GatewaySettings, StdioServer, Transport};
use crate::stdio::{Backoff, GRACE, Launch, OWN_BINARY, Process};

/// How long a caller waits for a restart; a longer backoff is an error.
const WAITED_FOR: Duration = Duration::from_secs(1);
/// How long a program may take to show its era.
const PROBE: Duration = Duration::from_secs(10);

/// The programs of one caller at one server: one for each era, and for each way to begin in the earlier one.
pub(crate) struct Programs {
    slots: Arc<Slots>,
    principal: Principal,
    clock: Arc<dyn Clock>,
    running: tokio::sync::Mutex<Vec<Running>>,
    backoff: Mutex<Backoff>,
}

struct Running {
    era: Era,
    /// The protocol's version and what the client can do; who it is makes no difference.
    opening: Wiped<Vec<u8>>,
    filled: Arc<Entry>,
    program: Arc<Program>,
    began: Instant,
    used: Used,
    _slot: Slot,
}

/// A new connection, and the server's answer to `initialize` or `server/discover`.
pub(crate) struct Started {
    /// `None` if the answer is an error.
    pub(crate) link: Option<Link>,
    pub(crate) greeting: Wiped<Vec<u8>>,
}

impl Programs {
    pub(super) fn new(slots: Arc<Slots>, principal: Principal, clock: Arc<dyn Clock>) -> Self {
        Self {
            slots,
            principal,
            clock,
            running: tokio::sync::Mutex::new(Vec::new()),
            backoff: Mutex::new(Backoff::default()),
        }
    }

    /// The program for a client that begins with `params`, started if it does not run yet. Programs with other
    /// credentials are stopped first.
    ///
    /// This completes even if the client leaves: a program that was started is kept or stopped.
    pub(crate) async fn start(
        self: &Arc<Self>,
        access: &Arc<Access>,
        filled: Arc<Entry>,
        era: Era,
        params: &str,
        rules: &Arc<Rules>,
    ) -> Result<Started, UpstreamError> {
        let (programs, access) = (Arc::clone(self), Arc::clone(access));
        let (params, rules) = (Wiped::new(params.to_owned()), Arc::clone(rules));
        let starting = tokio::spawn(async move {
            programs
                .find_or_start(&access, filled, era, &params, &rules)
                .await
        });
        starting.await.unwrap_or(Err(UpstreamError::Ended))
    }

    async fn find_or_start(
        &self,
        access: &Arc<Access>,
        filled: Arc<Entry>,
        era: Era,
        params: &str,
        rules: &Rules,
    ) -> Result<Started, UpstreamError> {
        let (settings, limits) = (&rules.settings, rules.limits());
        let opening = opening(params);
        let link = |program: &Arc<Program>, filled: &Arc<Entry>| {
            let wire = Wire::Program(Arc::clone(program), program.join());
            Link::new(Arc::clone(access), era, Arc::clone(filled), wire, limits)
        };
        let mut running = self.running.lock().await;
        // After the access ended nothing would stop a new program.
        if access.ended.is_cancelled() {
            return Err(UpstreamError::Ended);
        }
        self.clear(&mut running, &filled).await;
        let same = |entry: &&Running| entry.era == era && entry.opening == opening;
        if let Some(entry) = running.iter().find(same) {
            entry.used.note();
            return Ok(Started {
                link: Some(link(&entry.program, &entry.filled)),
                greeting: entry.program.greeting.get().cloned().unwrap_or_default(),
            });
        }
        self.pause().await?;
        let slot = self
            .slots
            .take(&self.principal)
            .ok_or(UpstreamError::TooManyPrograms)?;
        let began = Instant::now();
        let launched = self.launch(access, &filled, era, settings).await;
        let program = launched.inspect_err(|_| self.note_end(Duration::ZERO))?;
        let new = link(&program, &filled);
        let greeting = greet(&new, era, params).await;
        let greeting = match greeting {
            Ok(greeting) if is_result(&greeting) || era == Era::Modern => greeting,
            other => {
                program.stop().await;
                match &other {
                    Err(UpstreamError::OtherEra) => access.note_only_legacy(),
                    _ => self.note_end(began.elapsed()),
                }
                let greeting = other?;
                let link = None;
                return Ok(Started { link, greeting });
            }
        };
        // The answer may come too late for the request that started the program.
        access.answered();
        let _ = program.greeting.set(greeting.clone());
        running.push(Running {
            era,
            opening,
            filled,
            program,
            began,
            used: Used::now(&self.clock),
            _slot: slot,
        });
        Ok(Started {
            link: Some(new),
            greeting,
        })
    }

    /// Stops the programs that nothing used for so long.
    pub(crate) async fn stop_idle(&self, idle: Duration) {
        let mut running = self.running.lock().await;
        for entry in running.iter().filter(|entry| entry.program.is_busy()) {
            entry.used.note();
        }
        let (old, kept) = std::mem::take(&mut *running)
            .into_iter()
            .partition(|entry| entry.used.idle() >= idle);
        *running = kept;
        stop(old).await;
    }

    /// Stops all.
    pub(crate) async fn stop_all(&self) {
        let running = std::mem::take(&mut *self.running.lock().await);
        stop(running).await;
    }

    /// Notes which programs ended by themselves, and stops those with other credentials.
    async fn clear(&self, running: &mut Vec<Running>, filled: &Arc<Entry>) {
        let (alive, ended): (Vec<_>, Vec<_>) = std::mem::take(running)
            .into_iter()
            .partition(|entry| entry.program.is_running());
        for entry in &ended {
            self.note_end(entry.began.elapsed());
        }
        // A program whose sandbox no longer holds may still run.
        stop(ended).await;
        let (kept, stale) = alive
            .into_iter()
            .partition(|entry| Arc::ptr_eq(&entry.filled, filled));
        *running = kept;
        stop(stale).await;
    }

    fn note_end(&self, ran: Duration) {
        let mut backoff = self.backoff.lock();
        backoff.ended(ran, Instant::now());
    }

    async fn pause(&self) -> Result<(), UpstreamError> {
        let wait = self.backoff.lock().wait(Instant::now());
        if wait > WAITED_FOR {
            return Err(UpstreamError::Pausing);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn launch(
        &self,
        access: &Arc<Access>,
        filled: &Arc<Entry>,
        era: Era,
        settings: &GatewaySettings,
    ) -> Result<Arc<Program>, UpstreamError> {
        let Transport::Stdio(StdioServer {
            command, directory, ..
        }) = &access.server.settings.transport
        else {
            return Err(UpstreamError::Ended);
        };
        let launch = Launch {
            command: command.clone(),
            inherited: settings.inherited.clone(),
            environment: filled.environment.clone(),
            directory: directory.clone(),
            sandbox: settings.sandbox,
            support: self.slots.support(settings.sandbox).await,
            concealed: Arc::clone(self.slots.concealed()),
            message_bytes: settings.limits.message_bytes,
            grace: GRACE,
            helper: OWN_BINARY.into(),
        };
        let (process, output) = Process::launch(launch)
            .await
            .map_err(UpstreamError::NotStarted)?;
        tracing::info!(mcp.server = %access.server.name, "a program was started");
        let errors = ErrorLog::new(Arc::clone(access));
        let message_bytes = settings.limits.message_bytes;
        Ok(Program::attend(era, process, output, errors, message_bytes))
    }
}

async fn stop(programs: Vec<Running>) {
    let stopping = programs
        .iter()
        .map(|entry| entry.program.stop())
        .collect::<Vec<_>>();
    futures_util::future::join_all(stopping).await;
}

/// The parameters that clients must have in common to share a program.
fn opening(params: &str) -> Wiped<Vec<u8>> {
    let Ok(value) = parse(params.as_bytes()) else {
        return Wiped::default();
    };
    let mut tree = Tree::from(value);
    let _ = tree.remove("clientInfo");
    let _ = tree.remove("_meta");
    tree.to_json()
}

fn is_result(text: &[u8]) -> bool {
    Message::parse(text).is_ok_and(|message| message.get("result").is_some())
}

/// Begins with a new program as its client does: `initialize` in the earlier era. In the later era a probe comes
/// first, because a program of the earlier era might mistake a request for one of its own.
async fn greet(link: &Link, era: Era, params: &str) -> Result<Wiped<Vec<u8>>, UpstreamError> {
    let (method, limit) = match era {
        Era::Legacy => ("initialize", Duration::MAX),
        Era::Modern => (DISCOVER, PROBE),
    };
    let asking = link.request(method, Some(params), HeaderMap::new());
    let answer = tokio::time::timeout(limit, asking).await;
    let answer = answer.unwrap_or(Err(UpstreamError::OtherEra));
    let (greeting, _) = answer?;
    match era {
        Era::Legacy if is_result(&greeting) => {
            let program = link.program().ok_or(UpstreamError::Ended)?;
            program.say_initialized().await?;
        }
        Era::Modern if !is_modern(&greeting) => return Err(UpstreamError::OtherEra),
        _ => {}
    }
    Ok(greeting)
}
