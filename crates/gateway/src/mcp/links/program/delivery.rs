//! Messages of a program on their way to the clients that wait for them.

use std::sync::Arc;

use super::routing::Route;
use super::{KEPT, Program, ROOM, State, Text};
use crate::mcp::links::exchange::Queued;

impl Program {
    pub(super) async fn deliver(&self, route: Route) {
        match route {
            Route::Dropped => {
                tracing::debug!("a line of a program is for no request and was dropped");
            }
            Route::Broken(client, error) => {
                tracing::warn!(error = %error, "a program sent an answer that cannot be used");
                let _ = client.send(Err(error)).await;
            }
            // Waits for a client that reads slowly: the pipe fills, and the program waits with it.
            Route::To(client, text) => {
                let queued = self.with_room(text).await;
                let _ = client.send(Ok(queued)).await;
            }
            Route::ToListeners(text) => {
                let mut state = self.state.lock();
                state.listeners.retain(|listener| !listener.is_closed());
                if state.listeners.is_empty() {
                    state.keep(self.if_room(text));
                    return;
                }
                for listener in &state.listeners {
                    if let Some(queued) = self.if_room(text.clone()) {
                        let _ = listener.try_send(Ok(queued));
                    }
                }
            }
            Route::ToOneListener(text) => {
                let listener = {
                    let mut state = self.state.lock();
                    state.listeners.retain(|listener| !listener.is_closed());
                    state.listeners.last().cloned()
                };
                if let Some(listener) = listener {
                    let queued = self.with_room(text).await;
                    let _ = listener.send(Ok(queued)).await;
                } else {
                    let queued = self.if_room(text);
                    self.state.lock().keep(queued);
                }
            }
        }
    }

    /// Waits until there is room for a message.
    async fn with_room(&self, text: Text) -> Queued {
        let room = Arc::clone(&self.room)
            .acquire_many_owned(kibibytes(&text))
            .await;
        Queued::new(text, room.ok())
    }

    /// The same for messages that may be dropped; `None` if there is no room now.
    fn if_room(&self, text: Text) -> Option<Queued> {
        let room = Arc::clone(&self.room).try_acquire_many_owned(kibibytes(&text));
        Some(Queued::new(text, Some(room.ok()?)))
    }
}

impl State {
    /// Keeps a message until a client listens; the oldest are dropped.
    fn keep(&mut self, queued: Option<Queued>) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.extend(queued);
    }
}

fn kibibytes(text: &[u8]) -> u32 {
    let whole = text.len().div_ceil(1 << 10);
    u32::try_from(whole).unwrap_or(u32::MAX).clamp(1, ROOM)
}
