//! The signals with which a command is ended or told something.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

const NUMBERS: [Signal; 7] = [
    Signal::ALARM,
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
];

/// Signals that no longer end this process.
pub(crate) struct Signals(Vec<(unix::Signal, Signal)>);

impl Signals {
    /// Receives them from now on.
    pub(crate) fn begin() -> io::Result<Self> {
        let begin = |number: Signal| {
            let kind = SignalKind::from_raw(number.as_raw());
            Ok((signal(kind)?, number))
        };
        NUMBERS
            .into_iter()
            .map(begin)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The next one that arrives.
    pub(crate) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            let arrived = signals.find_map(|(signal, number)| {
                let is_there = signal.poll_recv(context).is_ready();
                is_there.then_some(*number)
            });
            arrived.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
