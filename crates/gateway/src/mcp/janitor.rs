//! Ends what has lost its ground: sessions and programs of callers who may no longer, of credentials that changed, of
//! servers that are configured otherwise now, and of clients that never came back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use toolvault_vault::{Caller, Changed, Error};

use super::access::Access;
use super::session::Session;
use super::shared::Shared;

/// How often is looked for what time alone has ended.
const ROUND: Duration = Duration::from_secs(5);

/// Goes its rounds until the gateway closes.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut news = shared.vault.changes();
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            changed = news.recv() => end_lost(&shared, changed.unwrap_or(Changed::All)).await,
            _ = rounds.tick() => {
                end_lost(&shared, Changed::All).await;
                end_idle(&shared);
            }
        }
    }
}

/// Ends what concerns a change. Each ending goes on by itself: one that takes long holds up no other.
async fn end_lost(shared: &Arc<Shared>, changed: Changed) {
    for session in shared.sessions.all() {
        let caller = session.caller();
        if caller.is_concerned_by(changed) && !may_still(shared, &caller).await {
            end_session(shared, &session);
        }
    }
    for access in shared.accesses() {
        let caller = access.caller();
        if !caller.is_concerned_by(changed) {
            continue;
        }
        if may_still(shared, &caller).await {
            let own = Arc::clone(shared);
            shared.tasks.spawn(async move {
                if !access.has_current_credentials(&own.vault, &caller).await {
                    access.end().await;
                }
            });
        } else {
            end_access(shared, access);
        }
    }
}

fn end_idle(shared: &Arc<Shared>) {
    let limits = shared.rules().settings.limits;
    for session in shared.sessions.take_idle(limits.session_idle) {
        end_session(shared, &session);
    }
    for access in shared.accesses() {
        if access.idle_since().elapsed() >= limits.session_idle {
            end_access(shared, access);
        } else {
            shared.tasks.spawn(async move {
                access.programs.stop_idle(limits.process_idle).await;
            });
        }
    }
}

/// Ends what was built on a configuration that holds no more; programs too if they are shut in otherwise now.
pub(crate) fn end_outdated(shared: &Arc<Shared>, is_shut_in_otherwise: bool) {
    let rules = shared.rules();
    let is_outdated = |access: &Access| {
        let now = rules.servers.get(&access.server.name);
        now.is_none_or(|now| !Arc::ptr_eq(now, &access.server))
            || is_shut_in_otherwise && access.server.client.is_none()
    };
    for session in shared.sessions.all() {
        let is_gone = session
            .server
            .as_ref()
            .is_some_and(|name| !rules.servers.contains_key(name));
        if is_gone {
            end_session(shared, &session);
        }
    }
    for access in shared.accesses() {
        if is_outdated(&access) {
            end_access(shared, access);
        }
    }
}

/// Ends everything, and waits for it.
pub(crate) async fn end_all(shared: &Arc<Shared>) {
    let sessions = shared.sessions.all();
    let ending = sessions.iter().map(|session| {
        shared.sessions.remove(&session.id);
        session.end()
    });
    futures_util::future::join_all(ending).await;
    let accesses = shared.accesses();
    let ending = accesses.iter().map(|access| shared.end(access));
    futures_util::future::join_all(ending).await;
}

fn end_session(shared: &Arc<Shared>, session: &Arc<Session>) {
    shared.sessions.remove(&session.id);
    session.ended.cancel();
    let session = Arc::clone(session);
    shared.tasks.spawn(async move { session.end().await });
}

fn end_access(shared: &Arc<Shared>, access: Arc<Access>) {
    access.ended.cancel();
    let own = Arc::clone(shared);
    shared.tasks.spawn(async move { own.end(&access).await });
}

/// Whether the caller may still act. That nobody can say just now ends nothing: each call asks again.
async fn may_still(shared: &Shared, caller: &Caller) -> bool {
    !matches!(
        shared.vault.recheck(caller).await,
        Err(Error::Unauthenticated | Error::Denied(_) | Error::NotFound)
    )
}
