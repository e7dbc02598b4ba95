//! What goes to a program: messages, each on one line.

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::{mpsc, watch};
use toolvault_core::confidential::Wiped;

use super::exit::Exit;

/// Messages that wait while the program does not read.
pub(super) const WAITING: usize = 8;

/// A message with its line break. It may hold values of secrets.
pub(super) type Written = Wiped<Vec<u8>>;

/// A JSON text on one line: line breaks, which JSON allows between tokens only, become spaces.
pub(super) fn on_one_line(message: &[u8]) -> Written {
    let mut line = Wiped::new(Vec::with_capacity(message.len().saturating_add(1)));
    line.extend(message.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        other => *other,
    }));
    line.push(b'\n');
    line
}

/// Writes what is queued, each message whole, until all senders are dropped, the program has ended or has closed its
/// standard input; then closes ours.
pub(super) async fn write(
    mut stdin: ChildStdin,
    mut queue: mpsc::Receiver<Written>,
    mut exit: watch::Receiver<Option<Exit>>,
) {
    let writing = async {
        while let Some(line) = queue.recv().await {
            if stdin.write_all(&line).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = writing => {}
        _ = exit.wait_for(Option::is_some) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_one_line() {
        for (message, line) in [
            (&b"{}"[..], &b"{}\n"[..]),
            (b"{\r\n \"a\":\n1}\n", b"{   \"a\": 1} \n"),
            (b"[\"\\n\"]", b"[\"\\n\"]\n"),
            (b"", b"\n"),
        ] {
            assert_eq!(on_one_line(message).as_slice(), line);
        }
    }
}
