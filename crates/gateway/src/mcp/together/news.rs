//! What changes for a caller on a path that several servers share, told by us whether or not any of them answers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use toolvault_vault::{Caller, Changed};

use crate::mcp::gateway::Visit;
use crate::mcp::session::Session;
use crate::mcp::shared::Shared;
use crate::mcp::stream::Announcement;

/// News for one client, until it may hear no more.
pub(super) fn stream(
    visit: &Visit,
    session: Option<Arc<Session>>,
    announcement: Announcement,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let shared = Arc::clone(&visit.shared);
    let caller = visit.request.caller.clone();
    let news = shared.vault.changes();
    let state = (shared, caller, session, announcement, news);
    futures_util::stream::unfold(state, |mut state| async move {
        let (shared, caller, session, announcement, news) = &mut state;
        loop {
            let changed = tokio::select! {
                () = ended(shared, session.as_deref()) => return None,
                changed = news.recv() => changed.unwrap_or(Changed::All),
            };
            if let Some(piece) = heard(shared, caller, announcement, changed).await? {
                return Some((piece, state));
            }
        }
    })
}

async fn ended(shared: &Shared, session: Option<&Session>) {
    let session_ended = async {
        match session {
            Some(session) => session.ended.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = session_ended => {}
        () = shared.stop.cancelled() => {}
    }
}

/// What is told of a change; none at all if the caller may hear no more.
async fn heard(
    shared: &Shared,
    caller: &Caller,
    announcement: &Announcement,
    changed: Changed,
) -> Option<Option<Bytes>> {
    if !caller.is_concerned_by(changed) {
        return Some(None);
    }
    shared.vault.recheck(caller).await.ok()?;
    if matches!(changed, Changed::Key(_)) {
        return Some(None);
    }
    Some(announcement.tell())
}
