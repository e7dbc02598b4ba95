//! What a connection is doing: working on an answer, waiting for its client, or nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body as HttpBody, Bytes};
use axum::response::Response;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The current activity of a connection.
pub(crate) struct Activity(Mutex<State>);

struct State {
    /// Requests whose answer was not sent yet.
    requests: usize,
    /// Those for which the server still has work. The others wait for their client to receive the answer.
    working: usize,
    /// When one of these last changed.
    since: Instant,
    has_begun: bool,
}

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(State {
            requests: 0,
            working: 0,
            since: Instant::now(),
            has_begun: false,
        }))
    }
}

impl Activity {
    /// Notes that a request has arrived.
    pub(crate) fn request(self: &Arc<Self>) -> InFlight {
        let mut state = self.0.lock();
        state.requests += 1;
        state.working += 1;
        state.since = Instant::now();
        state.has_begun = true;
        InFlight {
            activity: Arc::clone(self),
            is_working: true,
        }
    }

    /// Since when the server has had no work for the connection; `None` while it has. Waiting for a client that does
    /// not receive its answer, for example behind a closed HTTP/2 window, is not work.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.0.lock();
        (state.working == 0).then_some(state.since)
    }

    /// Since when there has been no request, `None` while there is one; and whether there ever was one.
    pub(super) fn unused_since(&self) -> (Option<Instant>, bool) {
        let state = self.0.lock();
        (
            (state.requests == 0).then_some(state.since),
            state.has_begun,
        )
    }
}

/// A request whose answer was not sent yet.
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    is_working: bool,
}

impl InFlight {
    /// The answer. The request ends when it has been sent.
    pub(crate) fn answer(mut self, response: Response) -> Response {
        self.set_working(false);
        response.map(|body| {
            HttpBody::new(Answer {
                body,
                request: self,
            })
        })
    }

    fn set_working(&mut self, is_working: bool) {
        let mut state = self.activity.0.lock();
        state.since = Instant::now();
        match (self.is_working, is_working) {
            (false, true) => state.working += 1,
            (true, false) => state.working -= 1,
            _ => {}
        }
        self.is_working = is_working;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.set_working(false);
        self.activity.0.lock().requests -= 1;
    }
}

/// The body of an answer. Polls for more data show whether the server or the client is slow.
struct Answer {
    body: HttpBody,
    request: InFlight,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.request.set_working(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
