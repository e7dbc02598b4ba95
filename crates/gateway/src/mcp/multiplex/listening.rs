//! A stream on `/mcp`: what all servers send without being asked, and our own announcements of other tools.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, SelectAll};
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use toolvault_vault::Changed;

use super::links;
use crate::mcp::answer::{Announcement, Relay};
use crate::mcp::conversation::Conversation;
use crate::mcp::links::Link;
use crate::mcp::refusal::Refusal;
use crate::mcp::session::shows_in_tools;
use crate::mcp::state::Visit;

/// How often is looked for servers that arrived or left.
const ROUND: Duration = Duration::from_secs(5);

/// Makes the stream of one server.
type MakeRelay = Box<dyn Fn(&Visit, &Conversation, &Arc<Link>) -> Relay + Send + Sync>;

struct Listening {
    visit: Visit,
    conversation: Arc<Conversation>,
    announcement: Announcement,
    relay: MakeRelay,
    links: Vec<Arc<Link>>,
    streams: SelectAll<BoxStream<'static, Bytes>>,
    changes: broadcast::Receiver<Changed>,
    rounds: Interval,
    finding: Option<BoxFuture<'static, Result<Vec<Arc<Link>>, Refusal>>>,
}

/// The stream, until the session or the caller's right to it ends.
pub(super) fn stream(
    visit: &Visit,
    conversation: Conversation,
    links: Vec<Arc<Link>>,
    announcement: Announcement,
    relay: impl Fn(&Visit, &Conversation, &Arc<Link>) -> Relay + Send + Sync + 'static,
) -> BoxStream<'static, Bytes> {
    let start = tokio::time::Instant::now() + ROUND;
    let mut rounds = interval_at(start, ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listening = Listening {
        changes: visit.state.vault.changes(),
        visit: visit.renewed(),
        conversation: Arc::new(conversation),
        announcement,
        relay: Box::new(relay),
        links: Vec::new(),
        streams: SelectAll::new(),
        rounds,
        finding: None,
    };
    listening.attach(links);
    let stream = futures_util::stream::unfold(listening, |mut listening| async move {
        let piece = listening.next().await?;
        Some((piece, listening))
    });
    stream.boxed()
}

impl Listening {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let finding = async {
                match &mut self.finding {
                    Some(finding) => finding.await,
                    None => std::future::pending().await,
                }
            };
            let stop = self.visit.state.stop.clone();
            let session_ended = async {
                match &*self.conversation {
                    Conversation::Session(session) => session.ended.cancelled().await,
                    Conversation::Stateless(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = session_ended => return None,
                () = stop.cancelled() => return None,
                changed = self.changes.recv() => {
                    let changed = changed.unwrap_or(Changed::All);
                    if self.heard(changed).await? && let Some(piece) = self.announcement.tell() {
                        return Some(piece);
                    }
                }
                Some(piece) = self.streams.next(), if !self.streams.is_empty() => return Some(piece),
                found = finding => {
                    self.finding = None;
                    // A server of the wrong era is told to those who ask for a list.
                    if self.attach(found.unwrap_or_else(|_| self.links.clone()))
                        && let Some(piece) = self.announcement.tell()
                    {
                        return Some(piece);
                    }
                }
                _ = self.rounds.tick() => self.look(),
            }
        }
    }

    /// Looks for servers, unless it does so already: that can take as long as a server may take to answer.
    fn look(&mut self) {
        if self.finding.is_some() {
            return;
        }
        self.visit = self.visit.renewed();
        let (visit, conversation) = (self.visit.renewed(), Arc::clone(&self.conversation));
        self.finding = Some(Box::pin(async move { links(&visit, &conversation).await }));
    }

    /// Listens to servers that were not there before, and to no others that left. Whether there are other servers now.
    fn attach(&mut self, links: Vec<Arc<Link>>) -> bool {
        let is_known = |link: &&Arc<Link>| self.links.iter().any(|known| Arc::ptr_eq(known, link));
        let new: Vec<_> = links.iter().filter(|link| !is_known(link)).collect();
        let is_changed = !new.is_empty() || links.len() != self.links.len();
        for link in new {
            let relay = (self.relay)(&self.visit, &self.conversation, link);
            self.streams.push(relay.run().boxed());
        }
        self.links = links;
        is_changed
    }

    /// Whether a change in the vault may show in lists of tools; `None` if the caller is no longer valid.
    async fn heard(&mut self, changed: Changed) -> Option<bool> {
        let caller = self.visit.caller();
        if !caller.is_concerned_by(changed) {
            return Some(false);
        }
        self.visit.state.vault.recheck(caller).await.ok()?;
        Some(shows_in_tools(changed, caller))
    }
}
