//! What comes from a program: messages from its standard output, anything from its standard error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{mpsc, watch};

use super::ending::Ending;
use super::group::Group;
use super::process;

/// Messages that wait while nobody takes them; then the program waits too.
const MESSAGES: usize = 4;
/// Chunks of standard error that wait while nobody takes them; what comes then is dropped.
const CHUNKS: usize = 64;
const CHUNK: usize = 8 << 10;
/// For how long to listen once a program has ended: what it wrote is there already, and a process that left its group
/// may hold the pipe for ever.
const ECHO: Duration = Duration::from_millis(200);

/// What comes from a program.
pub(crate) struct Output {
    /// Lines without their line break; empty ones, and one that has no line break at the end, are left out. Closed when nothing
    /// more can come. A program whose output nobody holds any more is stopped.
    pub(crate) messages: mpsc::Receiver<Bytes>,
    /// Pieces of standard error as they come, cut anywhere.
    pub(crate) stderr: mpsc::Receiver<StderrChunk>,
}

/// A piece of standard error.
pub(crate) struct StderrChunk {
    /// The piece.
    pub(crate) bytes: Bytes,
    /// Bytes that were dropped before this piece because nobody took them in time.
    pub(crate) dropped_before: u64,
}

/// What the reading of one program's streams shares.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) group: Arc<Group>,
    pub(super) ending: watch::Receiver<Option<Ending>>,
    pub(super) is_too_large: Arc<AtomicBool>,
    pub(super) message_bytes: usize,
    pub(super) grace: Duration,
}

impl Reading {
    /// Begins to read; `read` is what was read of standard output already.
    pub(super) fn begin<O, E>(self, stdout: O, read: BytesMut, stderr: E) -> Output
    where
        O: AsyncRead + Unpin + Send + 'static,
        E: AsyncRead + Unpin + Send + 'static,
    {
        let (message, messages) = mpsc::channel(MESSAGES);
        let (chunk, chunks) = mpsc::channel(CHUNKS);
        tokio::spawn(self.clone().read_errors(stderr, chunk));
        tokio::spawn(self.read_messages(stdout, read, message));
        Output {
            messages,
            stderr: chunks,
        }
    }

    async fn read_messages<O: AsyncRead + Unpin>(
        mut self,
        mut stdout: O,
        read: BytesMut,
        to: mpsc::Sender<Bytes>,
    ) {
        if let Err(TooLarge) = self.pass_messages(&mut stdout, read, to).await {
            self.is_too_large.store(true, Ordering::Release);
            self.group.signal(Signal::KILL);
        }
        // What cannot be heard is of no use.
        process::wind_down(&self.group, &mut self.ending, self.grace).await;
    }

    async fn pass_messages<O: AsyncRead + Unpin>(
        &mut self,
        stdout: &mut O,
        read: BytesMut,
        to: mpsc::Sender<Bytes>,
    ) -> Result<(), TooLarge> {
        let mut lines = Lines {
            buffer: read,
            searched: 0,
            longest: self.message_bytes,
        };
        loop {
            while let Some(line) = lines.next()? {
                if !line.is_empty() && to.send(line).await.is_err() {
                    return Ok(());
                }
            }
            let more = tokio::select! {
                more = some(stdout, &mut lines.buffer, &mut self.ending) => more,
                () = to.closed() => false,
            };
            if !more {
                return Ok(());
            }
        }
    }

    async fn read_errors<E: AsyncRead + Unpin>(
        mut self,
        mut stderr: E,
        to: mpsc::Sender<StderrChunk>,
    ) {
        let mut buffer = BytesMut::new();
        let mut dropped_before = 0_u64;
        // It is read to its end even if nobody listens: a program that cannot write waits.
        while some(&mut stderr, &mut buffer, &mut self.ending).await {
            let bytes = buffer.split().freeze();
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let chunk = StderrChunk {
                bytes,
                dropped_before,
            };
            dropped_before = match to.try_send(chunk) {
                Ok(()) => 0,
                Err(_) => dropped_before.saturating_add(length),
            };
        }
    }
}

/// Reads what there is; false when nothing more comes.
async fn some<R: AsyncRead + Unpin>(
    from: &mut R,
    buffer: &mut BytesMut,
    ending: &mut watch::Receiver<Option<Ending>>,
) -> bool {
    buffer.reserve(CHUNK);
    let read = tokio::select! {
        biased;
        read = from.read_buf(buffer) => Some(read),
        _ = ending.wait_for(Option::is_some) => None,
    };
    let read = match read {
        Some(read) => read,
        None => match tokio::time::timeout(ECHO, from.read_buf(buffer)).await {
            Ok(read) => read,
            Err(_elapsed) => return false,
        },
    };
    read.is_ok_and(|length| length > 0)
}

/// A line is longer than a message may be.
struct TooLarge;

/// Cuts what comes into lines.
struct Lines {
    buffer: BytesMut,
    /// So many bytes at the beginning hold no line break.
    searched: usize,
    longest: usize,
}

impl Lines {
    /// The next whole line, without its break.
    fn next(&mut self) -> Result<Option<Bytes>, TooLarge> {
        let fresh = self.buffer.get(self.searched..).unwrap_or_default();
        let end = fresh.iter().position(|byte| *byte == b'\n');
        let end = end.map(|offset| self.searched.saturating_add(offset));
        if end.unwrap_or(self.buffer.len()) > self.longest {
            return Err(TooLarge);
        }
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        self.searched = 0;
        let mut line = self.buffer.split_to(end);
        self.buffer.advance(1);
        if line.last() == Some(&b'\r') {
            line.truncate(line.len().saturating_sub(1));
        }
        Ok(Some(line.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str], longest: usize) -> (Vec<String>, bool) {
        let mut lines = Lines {
            buffer: BytesMut::new(),
            searched: 0,
            longest,
        };
        let mut found = Vec::new();
        for piece in pieces {
            lines.buffer.extend_from_slice(piece.as_bytes());
            loop {
                match lines.next() {
                    Ok(Some(line)) => found.push(String::from_utf8(line.to_vec()).unwrap()),
                    Ok(None) => break,
                    Err(TooLarge) => return (found, true),
                }
            }
        }
        (found, false)
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_are() {
        let text = "{}\n\n[1]\r\n\"ä\"\nrest";
        for size in 1..text.len() {
            let pieces: Vec<Vec<u8>> = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
            let mut lines = Lines {
                buffer: BytesMut::new(),
                searched: 0,
                longest: 10,
            };
            let mut found = Vec::new();
            for piece in pieces {
                lines.buffer.extend_from_slice(&piece);
                while let Ok(Some(line)) = lines.next() {
                    found.push(line);
                }
            }
            assert_eq!(found, ["{}", "", "[1]", "\"ä\""], "{size}");
        }
    }

    #[test]
    fn the_limit_is_exact_with_and_without_a_line_break() {
        assert_eq!(cut(&["12345\n"], 5), (vec!["12345".to_owned()], false));
        assert_eq!(cut(&["123", "45"], 5), (vec![], false));
        assert_eq!(cut(&["123456\n"], 5), (vec![], true));
        assert_eq!(cut(&["123", "456"], 5), (vec![], true));
        assert_eq!(
            cut(&["1\n2\n123456"], 5),
            (vec!["1".to_owned(), "2".to_owned()], true)
        );
    }
}
