//! Server-sent events (WHATWG HTML, section 9.2), read piece by piece.

/// One event, as far as MCP uses it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) data: Vec<u8>,
    pub(super) id: Option<String>,
    /// For how long to wait before the stream is asked for again, in milliseconds.
    pub(super) retry: Option<u64>,
}

/// An event is larger than a message may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Makes events out of pieces of a stream.
#[derive(Debug)]
pub(super) struct Reader {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    is_after_return: bool,
    limit: usize,
}

impl Reader {
    /// A reader of events with at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            event: Event::default(),
            has_data: false,
            is_after_return: false,
            limit,
        }
    }

    /// The events that `piece` ends.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for &byte in piece {
            let is_rest_of_break = byte == b'\n' && self.is_after_return;
            self.is_after_return = byte == b'\r';
            match byte {
                _ if is_rest_of_break => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.event.data.len() > self.limit {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.has_data = false;
            let event = std::mem::take(&mut self.event);
            return (event != Event::default()).then_some(event);
        }
        let mut halves = line.splitn(2, |&byte| byte == b':');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || std::str::from_utf8(value).ok();
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
            }
            b"id" => self.event.id = text().map(str::to_owned),
            b"retry" => self.event.retry = text().and_then(|text| text.parse().ok()),
            // A comment, the event's name, or a field of nobody's.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b": hello\r\nid: 7\rretry: 3000\ndata\n\nevent:message\r\ndata: {\"a\":\r\ndata:  1}\r\n\r\n\n: x\n\ndata:z\n\ndata: unfinished\n";

    #[test]
    fn every_split_gives_the_same_events() {
        let whole = Reader::new(1_000).push(TEXT).unwrap();
        let event = |data: &str, id: Option<&str>, retry| Event {
            data: data.into(),
            id: id.map(str::to_owned),
            retry,
        };
        assert_eq!(
            whole,
            [
                event("", Some("7"), Some(3000)),
                event("{\"a\":\n 1}", None, None),
                event("z", None, None)
            ]
        );
        for split in 0..=TEXT.len() {
            let (first, second) = TEXT.split_at(split);
            let mut reader = Reader::new(1_000);
            let mut events = reader.push(first).unwrap();
            events.extend(reader.push(second).unwrap());
            assert_eq!(events, whole, "{split}");
        }
    }

    #[test]
    fn an_event_over_the_limit_is_refused() {
        for text in ["data: 12345678901", "data: 12345\ndata: 67890\n\n"] {
            assert_eq!(
                Reader::new(10).push(text.as_bytes()),
                Err(TooLarge),
                "{text}"
            );
        }
        assert!(Reader::new(10).push(b"data: 1234\n\n").is_ok());
    }
}
