//! Lines of standard input, none larger than a message may be.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::mcp::LARGEST_MESSAGE;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// It is passed over.
    TooLong,
    End,
}

/// The next line, without its break. A last line without one counts.
pub(super) async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Line> {
    read(input, LARGEST_MESSAGE).await
}

async fn read(input: &mut (impl AsyncBufRead + Unpin), limit: usize) -> std::io::Result<Line> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let piece = input.fill_buf().await?;
        if piece.is_empty() {
            return Ok(match (is_too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Text(line),
            });
        }
        let end = piece.iter().position(|&byte| byte == b'\n');
        let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        if line.len() + part.len() > limit {
            is_too_long = true;
            line.clear();
        } else if !is_too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(if is_too_long {
                Line::TooLong
            } else {
                Line::Text(line)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_end_where_they_break_and_long_ones_are_passed_over() {
        for capacity in [1, 3, 100] {
            let text = &b"one\n\n1234567890\n12345678901\ntwo\nlast"[..];
            let mut input = tokio::io::BufReader::with_capacity(capacity, text);
            let mut lines = Vec::new();
            loop {
                match read(&mut input, 10).await.unwrap() {
                    Line::Text(line) => lines.push(String::from_utf8(line).unwrap()),
                    Line::TooLong => lines.push("too long".to_owned()),
                    Line::End => break,
                }
            }
            assert_eq!(lines, ["one", "", "1234567890", "too long", "two", "last"]);
        }
    }
}
