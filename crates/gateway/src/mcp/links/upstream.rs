//! One caller's connections to one server, and where those of all callers are kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::task::TaskTracker;
use toolvault_vault::{Caller, Clock};

use super::context::Context;
use super::link::{Link, Wire};
use super::programs::{Programs, Started};
use super::slots::Slots;
use crate::mcp::access::{Access, Budgets, Principal};
use crate::mcp::accounts::Accounts;
use crate::mcp::protocol::{Era, Message};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::rules::Rules;
use crate::mcp::server::Server;
use crate::settings::{ServerName, Transport};

/// One caller's connections to one server.
pub(crate) struct Upstream {
    pub(crate) access: Arc<Access>,
    programs: Arc<Programs>,
    /// The connection of the later era, whose requests stand alone.
    stateless: tokio::sync::Mutex<Option<Arc<Link>>>,
}

impl Upstream {
    fn new(access: Access, programs: Programs) -> Self {
        Self {
            access: Arc::new(access),
            programs: Arc::new(programs),
            stateless: tokio::sync::Mutex::new(None),
        }
    }

    /// A new connection of the earlier era, begun with the client's parameters of `initialize`.
    pub(crate) async fn initialize(
        &self,
        accounts: &Arc<Accounts>,
        caller: &Caller,
        params: &str,
        rules: &Arc<Rules>,
    ) -> Result<Started, Refusal> {
        let access = &self.access;
        let filled = access.entry(accounts, caller).await?;
        match access.server.settings.transport {
            Transport::Http(_) => {}
            Transport::Elsewhere => return Err(UpstreamError::Elsewhere.into()),
            Transport::Stdio(_) => {
                let started = self
                    .programs
                    .start(access, filled, Era::Legacy, params, rules);
                return Ok(started.await?);
            }
        }
        let access = Arc::clone(access);
        let initialized = Link::initialize_over_http(access, filled, params, rules.limits());
        let (link, greeting) = initialized.await?;
        let is_error = Message::parse(&greeting)?.get("error").is_some();
        Ok(Started {
            link: (!is_error).then_some(link),
            greeting,
        })
    }

    /// The connection of the later era.
    pub(crate) async fn stateless(
        &self,
        accounts: &Arc<Accounts>,
        caller: &Caller,
        context: &Context,
        rules: &Arc<Rules>,
    ) -> Result<Arc<Link>, Refusal> {
        let access = &self.access;
        let filled = access.entry(accounts, caller).await?;
        if access.is_only_legacy() {
            return Err(UpstreamError::OtherEra.into());
        }
        if let Some(link) = self.stateless.lock().await.as_ref()
            && Arc::ptr_eq(&link.filled, &filled)
            && link.is_open()
        {
            return Ok(Arc::clone(link));
        }
        let link = match access.server.settings.transport {
            Transport::Http(_) => {
                let wire = Wire::Http {
                    session: None,
                    version: None,
                };
                let access = Arc::clone(access);
                Link::new(access, Era::Modern, filled, wire, rules.limits())
            }
            Transport::Elsewhere => return Err(UpstreamError::Elsewhere.into()),
            Transport::Stdio(_) => {
                let params = context.params(None);
                let started = self
                    .programs
                    .start(access, filled, Era::Modern, &params, rules);
                started.await?.link.ok_or(UpstreamError::OtherEra)?
            }
        };
        let link = Arc::new(link);
        *self.stateless.lock().await = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Stops programs that nothing used for so long.
    pub(crate) async fn stop_idle(&self, idle: Duration) {
        self.programs.stop_idle(idle).await;
    }

    /// Ends all connections. Requests that come later make new ones, unless the access has ended for good.
    pub(crate) async fn disconnect(&self) {
        *self.stateless.lock().await = None;
        self.programs.stop_all().await;
        self.access.forget_credentials().await;
    }
}

/// The connections of all callers.
pub(crate) struct Upstreams {
    slots: Arc<Slots>,
    budgets: Budgets,
    tasks: TaskTracker,
    clock: Arc<dyn Clock>,
    all: Mutex<HashMap<(Principal, ServerName), Arc<Upstream>>>,
}

impl Upstreams {
    /// Connections that end in `tasks`.
    pub(crate) fn new(
        slots: Arc<Slots>,
        budgets: Budgets,
        tasks: TaskTracker,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            slots,
            budgets,
            tasks,
            clock,
            all: Mutex::default(),
        }
    }

    /// The caller's connections to a server. Those to another configuration of it end.
    pub(crate) fn find(&self, caller: &Caller, server: &Arc<Server>) -> Arc<Upstream> {
        let key = (Principal::of(caller), server.name.clone());
        let mut all = self.all.lock();
        if let Some(upstream) = all.get(&key)
            && Arc::ptr_eq(&upstream.access.server, server)
        {
            upstream.access.touch(caller);
            return Arc::clone(upstream);
        }
        let programs = Programs::new(
            Arc::clone(&self.slots),
            key.0.clone(),
            Arc::clone(&self.clock),
        );
        let access = Access::new(Arc::clone(server), caller, &self.budgets, &self.clock);
        let upstream = Arc::new(Upstream::new(access, programs));
        if let Some(before) = all.insert(key, Arc::clone(&upstream)) {
            before.access.ended.cancel();
            self.tasks.spawn(async move { before.disconnect().await });
        }
        upstream
    }

    pub(crate) fn all(&self) -> Vec<Arc<Upstream>> {
        self.all.lock().values().cloned().collect()
    }

    /// Removes these connections, and ends them in a task.
    pub(crate) fn end(&self, upstream: Arc<Upstream>) {
        upstream.access.ended.cancel();
        self.all
            .lock()
            .retain(|_, other| !Arc::ptr_eq(other, &upstream));
        self.tasks.spawn(async move { upstream.disconnect().await });
    }
}
