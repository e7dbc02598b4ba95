//! The unread rest of a body after its request was answered.
//!
//! If a server closes while the client still sends, the client's system discards the answer (RFC 9112, section 9.6),
//! and some HTTP/2 clients do the same when the stream is reset (curl before 8.7). So the rest is read and discarded,
//! within limits. Start with [`Leftover`].

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// A client that sends more loses its connection instead.
const MOST_BYTES: usize = 8 << 20;

/// A body whose rest is read when it is dropped.
pub(super) struct Leftover<B: Body<Data = Bytes> + Send + Unpin + 'static> {
    body: Option<B>,
    time_limit: Duration,
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Leftover<B> {
    /// Reads what is left of `body` for at most `time_limit`.
    pub(super) const fn new(body: B, time_limit: Duration) -> Self {
        Self {
            body: Some(body),
            time_limit,
        }
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for Leftover<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for Leftover<B> {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        let is_too_long = body.size_hint().lower() > MOST_BYTES as u64;
        if body.is_end_stream() || is_too_long {
            return;
        }
        let time_limit = self.time_limit;
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // The answer was sent already, so an error here has no receiver.
                let _ = tokio::time::timeout(time_limit, read(&mut body)).await;
            });
        }
    }
}

async fn read(body: &mut (impl Body<Data = Bytes> + Unpin)) {
    let mut count = 0;
    while count <= MOST_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        count += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;

    use super::*;

    /// Drops an endless body of 1 MiB pieces; returns how many were read.
    async fn pieces_read(reading: usize) -> usize {
        let (send, mut receive) = mpsc::unbounded_channel();
        let piece = Bytes::from(vec![0; 1 << 20]);
        let pieces = stream::repeat_with(move || {
            let _ = send.send(());
            Ok::<_, Infallible>(Frame::data(piece.clone()))
        });
        let mut body = Leftover::new(StreamBody::new(pieces), Duration::from_mins(1));
        for _ in 0..reading {
            body.frame().await;
        }
        drop(body);
        let mut count = 0;
        // Ends when the stream was dropped, and the sender with it.
        while receive.recv().await.is_some() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn the_rest_is_read_up_to_a_limit() {
        assert_eq!(pieces_read(0).await, 9);
        assert_eq!(pieces_read(2).await, 11);
    }

    #[tokio::test]
    async fn a_body_that_was_read_has_no_rest() {
        let mut body = Leftover::new(
            http_body_util::Full::new(Bytes::from_static(b"x")),
            Duration::from_mins(1),
        );
        assert_eq!(body.size_hint().exact(), Some(1));
        assert!(body.frame().await.is_some());
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    }
}
