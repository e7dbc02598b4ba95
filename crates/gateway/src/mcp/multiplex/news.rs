//! Changes that we announce ourselves on `/mcp`, whether or not any server answers.

use bytes::Bytes;
use futures_util::Stream;
use toolvault_vault::{Caller, Changed};

use crate::mcp::answer::{Announcement, Services};
use crate::mcp::session::{Session, UsedSession};
use crate::mcp::state::Visit;

/// Announcements for one client, until its session or its right to them ends.
pub(super) fn stream(
    visit: &Visit,
    session: Option<UsedSession>,
    announcement: Announcement,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let services = visit.services();
    let caller = visit.caller().clone();
    let news = services.vault.changes();
    let state = (services, caller, session, announcement, news);
    futures_util::stream::unfold(state, |mut state| async move {
        let (services, caller, session, announcement, news) = &mut state;
        loop {
            let changed = tokio::select! {
                () = ended(services, session.as_deref()) => return None,
                changed = news.recv() => changed.unwrap_or(Changed::All),
            };
            if let Some(piece) = heard(services, caller, announcement, changed).await? {
                return Some((piece, state));
            }
        }
    })
}

async fn ended(services: &Services, session: Option<&Session>) {
    let session_ended = async {
        match session {
            Some(session) => session.ended.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = session_ended => {}
        () = services.stop.cancelled() => {}
    }
}

/// What is told of a change, if anything; `None` if the caller is no longer valid.
async fn heard(
    services: &Services,
    caller: &Caller,
    announcement: &Announcement,
    changed: Changed,
) -> Option<Option<Bytes>> {
    if !caller.is_concerned_by(changed) {
        return Some(None);
    }
    services.vault.recheck(caller).await.ok()?;
    if matches!(changed, Changed::Key(_)) {
        return Some(None);
    }
    Some(announcement.tell())
}
