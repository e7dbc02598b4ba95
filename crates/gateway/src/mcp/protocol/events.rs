//! Server-sent events (WHATWG HTML, section 9.2), read piece by piece and written again.

use toolvault_core::confidential::Wiped;

/// One event.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct Event {
    /// The ID from which a client can resume the stream.
    pub id: Option<String>,
    /// The event type; `message` if absent.
    pub name: Option<String>,
    /// How long to wait before reconnecting, in milliseconds.
    pub retry: Option<u64>,
    /// `None` if the event has no `data` line; empty if it has an empty one.
    pub data: Option<Wiped<Vec<u8>>>,
}

/// An event exceeds the size limit of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is too large")]
pub struct EventTooLarge;

impl Event {
    /// An event that carries a message.
    pub fn message(data: Wiped<Vec<u8>>) -> Self {
        Self {
            data: Some(data),
            ..Self::default()
        }
    }

    /// The event as text. Each line of the data becomes a `data` line of its own.
    pub fn write(&self) -> Wiped<Vec<u8>> {
        let length = self.data.as_ref().map_or(0, |data| data.len());
        let mut out = Wiped::new(Vec::with_capacity(length + 128));
        let mut field = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.push(b'\n');
        };
        if let Some(name) = &self.name {
            field("event", name.as_bytes());
        }
        if let Some(id) = &self.id {
            field("id", id.as_bytes());
        }
        if let Some(retry) = self.retry {
            field("retry", retry.to_string().as_bytes());
        }
        if let Some(data) = &self.data {
            for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
                field("data", line);
            }
        }
        out.push(b'\n');
        out
    }
}

/// Reads events out of the pieces of a stream, wherever the pieces end.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct EventReader {
    limit: usize,
    line: Wiped<Vec<u8>>,
    event: Event,
    is_begun: bool,
    is_after_return: bool,
    is_at_start: bool,
}

impl EventReader {
    /// A reader of events of at most `limit` bytes each.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Wiped::new(Vec::new()),
            event: Event::default(),
            is_begun: false,
            is_after_return: false,
            is_at_start: true,
        }
    }

    /// Reads a piece and appends the events that it completes to `events`.
    pub fn push(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), EventTooLarge> {
        let mut rest = piece;
        // A line ends with a line feed, a carriage return, or both.
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, tail) = rest.split_at(end);
            let is_rest_of_break = self.is_after_return && end == 0 && tail.first() == Some(&b'\n');
            self.is_after_return = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            if is_rest_of_break {
                continue;
            }
            self.extend(line)?;
            let line = std::mem::replace(&mut self.line, Wiped::new(Vec::new()));
            self.end_line(&line, events)?;
        }
        if !rest.is_empty() {
            self.is_after_return = false;
            self.extend(rest)?;
        }
        Ok(())
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        let held = self.event.data.as_ref().map_or(0, |data| data.len());
        if held + self.line.len() + bytes.len() > self.limit {
            return Err(EventTooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8], events: &mut Vec<Event>) -> Result<(), EventTooLarge> {
        let line = if std::mem::take(&mut self.is_at_start) {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            if std::mem::take(&mut self.is_begun) {
                events.push(std::mem::take(&mut self.event));
            }
            return Ok(());
        }
        let mut halves = line.splitn(2, |&byte| byte == b':');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8(value.to_vec()).ok();
        match name {
            b"data" => {
                let data = self.event.data.get_or_insert_with(Wiped::default);
                if self.is_begun && !data.is_empty() {
                    data.push(b'\n');
                }
                if data.len() + value.len() > self.limit {
                    return Err(EventTooLarge);
                }
                data.extend_from_slice(value);
            }
            b"event" => self.event.name = text(),
            b"id" => self.event.id = text().filter(|id| !id.contains('\0')),
            b"retry" => self.event.retry = text().and_then(|text| text.parse().ok()),
            // A comment, or a field that the standard does not define.
            _ => return Ok(()),
        }
        self.is_begun = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], limit: usize) -> Result<Vec<String>, EventTooLarge> {
        let mut reader = EventReader::new(limit);
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut events)?;
        }
        let shown = events.iter().map(|event| {
            let data = event
                .data
                .as_ref()
                .map(|data| String::from_utf8(data.to_vec()).unwrap());
            format!("{:?} {:?} {:?} {data:?}", event.id, event.name, event.retry)
        });
        Ok(shown.collect())
    }

    const TEXT: &[u8] =
        b"\xef\xbb\xbf: hello\r\nid: 7\rdata\nretry: 3000\n\nevent:message\r\ndata: {\"a\":\r\ndata:  1}\r\n\r\n\n: x\n\ndata:z\n\ndata: unfinished\n";

    #[test]
    fn every_split_gives_the_same_events() {
        let whole = read(&[TEXT], 1_000).unwrap();
        assert_eq!(
            whole,
            [
                "Some(\"7\") None Some(3000) Some(\"\")",
                "None Some(\"message\") None Some(\"{\\\"a\\\":\\n 1}\")",
                "None None None Some(\"z\")",
            ]
        );
        for split in 0..=TEXT.len() {
            let (first, second) = TEXT.split_at(split);
            assert_eq!(read(&[first, second], 1_000).unwrap(), whole, "{split}");
        }
        let single: Vec<&[u8]> = TEXT.chunks(1).collect();
        assert_eq!(read(&single, 1_000).unwrap(), whole);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut events = Vec::new();
        EventReader::new(1_000).push(TEXT, &mut events).unwrap();
        let written: Vec<u8> = events
            .iter()
            .flat_map(|event| event.write().to_vec())
            .collect();
        assert_eq!(
            read(&[&written], 1_000).unwrap(),
            read(&[TEXT], 1_000).unwrap()
        );
    }

    #[test]
    fn an_event_over_the_limit_is_refused() {
        for text in [
            "data: 12345678901\n\n",
            "data: 12345\ndata: 67890\n\n",
            "id: 123456789012",
        ] {
            assert_eq!(read(&[text.as_bytes()], 10), Err(EventTooLarge), "{text}");
        }
        assert!(read(&[b"data: 1234\n\n"], 10).is_ok());
    }
}
