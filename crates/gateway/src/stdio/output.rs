//! What comes from a program: messages from its standard output, anything from its standard error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{mpsc, watch};

use super::exit::Exit;
use super::group::Group;
use super::process;

/// Messages that wait to be received; beyond these the program waits.
const MESSAGES: usize = 4;
/// Chunks of standard error that wait to be received; beyond these they are dropped.
const CHUNKS: usize = 64;
const CHUNK: usize = 8 << 10;
/// How much is kept of either end of a line that is too long.
const EDGE: usize = 4 << 10;
/// How many times longer than allowed a line may be before the program is ended.
const ENDLESS: usize = 64;
/// For how long to listen once a program has ended: what it wrote is there already, and a process that left its group
/// may hold the pipe for ever.
const ECHO: Duration = Duration::from_millis(200);

/// What comes from a program.
pub(crate) struct Output {
    /// Lines without their line break. Empty lines, and a last one without a line break, are left out. Closed when nothing
    /// more can come. When it is dropped, the program is stopped.
    pub(crate) messages: mpsc::Receiver<Line>,
    /// Pieces of standard error as they come, cut anywhere.
    pub(crate) stderr: mpsc::Receiver<StderrChunk>,
}

/// One line of standard output.
pub(crate) enum Line {
    Message(Bytes),
    /// It was longer than a message may be. The beginning and the end are kept, so that one can tell what it answered.
    TooLong(Edges),
}

/// The beginning and the end of a line.
#[derive(Default)]
pub(crate) struct Edges {
    pub(crate) head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
    length: usize,
}

impl Edges {
    fn push(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len());
        let room = EDGE.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        let kept = rest.len().saturating_sub(EDGE);
        self.tail
            .extend_from_slice(rest.get(kept..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(EDGE);
        self.tail.drain(..surplus);
    }
}

/// A piece of standard error.
pub(crate) struct StderrChunk {
    /// The piece.
    pub(crate) bytes: Bytes,
    /// Bytes that were dropped before this piece because they were not received in time.
    pub(crate) dropped_before: u64,
}

/// What the reading of one program's streams shares.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) group: Arc<Group>,
    pub(super) exit: watch::Receiver<Option<Exit>>,
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
        to: mpsc::Sender<Line>,
    ) {
        if let Err(Endless) = self.pass_messages(&mut stdout, read, to).await {
            self.is_too_large.store(true, Ordering::Release);
            self.group.signal(Signal::KILL);
        }
        // Without its output it is of no use.
        process::wind_down(&self.group, &mut self.exit, self.grace).await;
    }

    async fn pass_messages<O: AsyncRead + Unpin>(
        &mut self,
        stdout: &mut O,
        read: BytesMut,
        to: mpsc::Sender<Line>,
    ) -> Result<(), Endless> {
        let mut lines = Lines {
            buffer: read,
            searched: 0,
            longest: self.message_bytes,
            too_long: None,
        };
        loop {
            while let Some(line) = lines.next()? {
                let is_empty = matches!(&line, Line::Message(text) if text.is_empty());
                if !is_empty && to.send(line).await.is_err() {
                    return Ok(());
                }
            }
            let more = tokio::select! {
                more = some(stdout, &mut lines.buffer, &mut self.exit) => more,
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
        // It is read to its end even without a receiver: a program that cannot write waits.
        while some(&mut stderr, &mut buffer, &mut self.exit).await {
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
    exit: &mut watch::Receiver<Option<Exit>>,
) -> bool {
    buffer.reserve(CHUNK);
    let read = tokio::select! {
        biased;
        read = from.read_buf(buffer) => Some(read),
        _ = exit.wait_for(Option::is_some) => None,
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

/// A line seems to have no end.
struct Endless;

/// Cuts what comes into lines.
struct Lines {
    buffer: BytesMut,
    /// So many bytes at the beginning hold no line break.
    searched: usize,
    longest: usize,
    /// The line that is being read, if it is too long already.
    too_long: Option<Edges>,
}

impl Lines {
    /// The next whole line.
    fn next(&mut self) -> Result<Option<Line>, Endless> {
        let fresh = self.buffer.get(self.searched..).unwrap_or_default();
        let end = fresh.iter().position(|byte| *byte == b'\n');
        let end = end.map(|offset| self.searched.saturating_add(offset));
        let length = end.unwrap_or(self.buffer.len());
        if length > self.longest || self.too_long.is_some() {
            let edges = self.too_long.get_or_insert_default();
            edges.push(&self.buffer.split_to(length));
            self.searched = 0;
            if edges.length > self.longest.saturating_mul(ENDLESS) {
                return Err(Endless);
            }
            if end.is_none() {
                return Ok(None);
            }
            self.buffer.advance(1);
            return Ok(self.too_long.take().map(Line::TooLong));
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let mut line = self.buffer.split_to(length);
        self.buffer.advance(1);
        if line.last() == Some(&b'\r') {
            line.truncate(line.len().saturating_sub(1));
        }
        Ok(Some(Line::Message(line.freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(longest: usize) -> Lines {
        Lines {
            buffer: BytesMut::new(),
            searched: 0,
            longest,
            too_long: None,
        }
    }

    /// The lines, and whether one was endless. A line that is too long is shown as `head...tail`.
    fn cut(pieces: &[&[u8]], longest: usize) -> (Vec<String>, bool) {
        let mut lines = lines(longest);
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for piece in pieces {
            lines.buffer.extend_from_slice(piece);
            loop {
                match lines.next() {
                    Ok(Some(Line::Message(line))) => found.push(text(&line)),
                    Ok(Some(Line::TooLong(edges))) => {
                        found.push(format!("{}...{}", text(&edges.head), text(&edges.tail)));
                    }
                    Ok(None) => break,
                    Err(Endless) => return (found, true),
                }
            }
        }
        (found, false)
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_are() {
        let text = "{}\n\n[1]\r\n\"ä\"\n12345678901\nend\nrest".as_bytes();
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let expected = ["{}", "", "[1]", "\"ä\"", "12345678901...", "end"];
            assert_eq!(cut(&pieces, 10).0, expected, "{size}");
        }
    }

    #[test]
    fn the_limit_is_exact_with_and_without_a_line_break() {
        let found = |pieces: &[&str]| {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            cut(&pieces, 5).0
        };
        assert_eq!(found(&["12345\n"]), ["12345"]);
        assert!(found(&["123", "45"]).is_empty());
        assert_eq!(found(&["123456\n"]), ["123456..."]);
        assert_eq!(found(&["123", "456", "\n1\n"]), ["123456...", "1"]);
    }

    #[test]
    fn both_ends_of_a_long_line_are_kept_and_an_endless_one_is_given_up() {
        let long = format!("begin{}end\n1\n", "x".repeat(3 * EDGE));
        for size in [1, 100, EDGE, 4 * EDGE] {
            let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
            let (found, is_endless) = cut(&pieces, EDGE);
            assert!(!is_endless && found[1] == "1", "{size}");
            assert!(found[0].starts_with("begin") && found[0].ends_with("end"));
            assert_eq!(found[0].len(), 2 * EDGE + 3);
        }
        let endless = "x".repeat(5 * ENDLESS + 1);
        assert_eq!(cut(&[endless.as_bytes()], 5), (vec![], true));
    }
}
