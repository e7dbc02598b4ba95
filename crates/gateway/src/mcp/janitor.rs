//! Ends what is no longer valid: sessions and programs of callers that were revoked, of credentials that changed, of
//! servers whose configuration changed, and of clients that never came back. Old requests for approval are deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use toolvault_vault::{Caller, Changed, Error};

use super::links::Upstream;
use super::session::Session;
use super::state::State;

/// How often time limits are checked.
const ROUND: Duration = Duration::from_secs(5);
/// How often old requests for approval are deleted.
const DELETE_EVERY: Duration = Duration::from_hours(1);

/// Works until the gateway closes.
pub(crate) async fn run(state: Arc<State>) {
    let mut feed = state.vault.changes();
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut deletions = interval(DELETE_EVERY);
    loop {
        tokio::select! {
            () = state.stop.cancelled() => return,
            changed = feed.recv() => end_lost(&state, changed.unwrap_or(Changed::All)).await,
            _ = rounds.tick() => {
                end_lost(&state, Changed::All).await;
                end_idle(&state);
            }
            _ = deletions.tick() => delete_old(&state),
        }
    }
}

fn delete_old(state: &Arc<State>) {
    let own = Arc::clone(state);
    state.tasks.spawn(async move {
        if let Err(error) = own.vault.delete_old_approvals().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old requests for approval were not deleted");
        }
    });
}

/// Ends what a change made invalid. Each ending is a task of its own: one that takes long holds up no other.
async fn end_lost(state: &Arc<State>, changed: Changed) {
    for session in state.sessions.all() {
        let caller = session.caller();
        if caller.is_concerned_by(changed) && !may_still(state, &caller).await {
            end_session(state, &session);
        }
    }
    for upstream in state.upstreams.all() {
        let caller = upstream.access.caller();
        if !caller.is_concerned_by(changed) {
            continue;
        }
        if may_still(state, &caller).await {
            let own = Arc::clone(state);
            state.tasks.spawn(async move {
                let access = &upstream.access;
                if !access.has_current_credentials(&own.vault, &caller).await {
                    upstream.disconnect().await;
                }
            });
        } else {
            state.upstreams.end(upstream);
        }
    }
}

/// Ends the user's connections to a server that were made with another account than they have there now.
pub(crate) async fn end_changed(state: &Arc<State>, caller: &Caller, server: &str) {
    for upstream in state.upstreams.all() {
        let access = &upstream.access;
        let own = access.caller();
        if own.user() == caller.user()
            && access.server.name.as_str() == server
            && !access.has_current_credentials(&state.vault, &own).await
        {
            upstream.disconnect().await;
        }
    }
}

/// Ends what nothing used for longer than the limits allow.
pub(crate) fn end_idle(state: &Arc<State>) {
    let limits = state.rules().settings.limits;
    for session in state.sessions.idle(limits.session_idle) {
        end_session(state, &session);
    }
    // What an open session is connected to is not idle either.
    for session in state.sessions.all() {
        if let Ok(links) = session.links.try_lock() {
            links.values().for_each(|link| link.access.used.note());
        }
    }
    for upstream in state.upstreams.all() {
        if upstream.access.used.idle() >= limits.session_idle {
            state.upstreams.end(upstream);
        } else {
            state.tasks.spawn(async move {
                upstream.stop_idle(limits.process_idle).await;
            });
        }
    }
}

/// Ends what was made for another configuration, and programs if the sandbox changed.
pub(crate) fn end_outdated(state: &Arc<State>, is_sandboxed_otherwise: bool) {
    let rules = state.rules();
    let is_outdated = |upstream: &Upstream| {
        let server = &upstream.access.server;
        let now = rules.servers.get(&server.name);
        now.is_none_or(|now| !Arc::ptr_eq(now, server))
            || is_sandboxed_otherwise && server.client.is_none()
    };
    for session in state.sessions.all() {
        let is_gone = session
            .server
            .as_ref()
            .is_some_and(|name| !rules.servers.contains_key(name));
        if is_gone {
            end_session(state, &session);
        }
    }
    for upstream in state.upstreams.all() {
        if is_outdated(&upstream) {
            state.upstreams.end(upstream);
        }
    }
}

/// Ends everything.
pub(crate) async fn end_all(state: &Arc<State>) {
    let sessions = state.sessions.all();
    let ending = sessions.iter().map(|session| session.end());
    futures_util::future::join_all(ending).await;
    // They end in `state.tasks`, which the gateway waits for.
    for upstream in state.upstreams.all() {
        state.upstreams.end(upstream);
    }
}

fn end_session(state: &Arc<State>, session: &Arc<Session>) {
    session.ended.cancel();
    let session = Arc::clone(session);
    state.tasks.spawn(async move { session.end().await });
}

/// Whether the caller is still valid. If the vault cannot say just now, nothing ends: each call asks again.
async fn may_still(state: &State, caller: &Caller) -> bool {
    !matches!(
        state.vault.recheck(caller).await,
        Err(Error::Unauthenticated | Error::Denied(_) | Error::NotFound)
    )
}
