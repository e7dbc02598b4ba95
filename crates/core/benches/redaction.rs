//! How fast text is searched, as a share of how fast `memmem` looks for one absent string in the same bytes.
//!
//!     cargo bench -p toolvault-core --bench redaction

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use memchr::memmem;
use toolvault_core::json::parse;
use toolvault_core::redaction::Redactor;

const SIZE: usize = 1 << 20;
const ENOUGH: Duration = Duration::from_millis(400);

/// Megabytes per second, the best of many runs.
fn speed(bytes: usize, mut run: impl FnMut()) -> f64 {
    let (began, mut best) = (Instant::now(), Duration::MAX);
    while began.elapsed() < ENOUGH {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    let megabytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e6;
    megabytes / best.as_secs_f64()
}

/// `piece` as often as it fits, each time with another number in it.
fn repeated(piece: &str) -> String {
    let mut text = String::with_capacity(SIZE);
    let mut number = 7_u32;
    while text.len() + piece.len() + 10 < SIZE {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(&piece.replace('#', &number.to_string()));
    }
    text
}

/// Issues of a tracker as a tool answers with them: a document whose text holds another.
fn issues() -> String {
    let issue = r#"{"id":"ISS-#","title":"Export fails for workspace #","state":{"name":"In progress","color":"f2c94c"},"url":"https://tracker.example/issue/ISS-#?view=list&page=2","description":"Steps:\n\n1. Open the workspace settings\n2. Choose \"Export\" and wait\n\nThe log says: request # took 1043 ms","createdAt":"2026-03-14T09:26:53.589Z"},"#;
    format!("[{}null]", repeated(issue))
}

fn document(text: &str) -> String {
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}).to_string()
}

fn secrets(count: u64) -> Redactor {
    let word = |index: u64| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let secret = |index: u64| {
        let words = [0, 1, 2, 3, 4].map(|number| format!("{:08x}", word(index * 5 + number)));
        (format!("secret-{index}"), words.concat())
    };
    let secrets: Vec<_> = (0..count).map(secret).collect();
    Redactor::new(secrets.iter().map(|(name, value)| (&**name, &**value)))
}

/// What is searched: typical answers of tools, then what is meant to be slow.
fn inputs() -> [(&'static str, String); 9] {
    let issues = issues();
    let prose = "The gateway answered request # within the time that was allowed, and no more.\n";
    [
        ("structured JSON", issues.clone()),
        ("JSON in a string", document(&issues)),
        ("JSON in JSON in a string", document(&document(&issues))),
        ("prose in a string", document(&repeated(prose))),
        ("all %", document(&repeated("%"))),
        ("all backslashes", document(&repeated("\\"))),
        ("all &#", document(&"&#".repeat(SIZE / 2))),
        ("all %41", document(&"%41".repeat(SIZE / 3))),
        (
            "all base64",
            document(&repeated("QmFzZTY0IGlzIGV2ZXJ5d2hlcmU")),
        ),
    ]
}

/// The speed of redaction as JSON, without that of parsing.
fn json_speed(redactor: &Redactor, bytes: &[u8]) -> f64 {
    let mut redacted = Vec::with_capacity(bytes.len() * 2);
    let Ok(value) = parse(bytes) else {
        return 0.0;
    };
    speed(bytes.len(), || {
        redacted.clear();
        black_box(redactor.json(black_box(value), &mut redacted));
    })
}

fn stream_speed(redactor: &Redactor, bytes: &[u8]) -> f64 {
    let mut redacted = Vec::with_capacity(bytes.len() * 2);
    speed(bytes.len(), || {
        redacted.clear();
        let mut stream = redactor.stream();
        for chunk in bytes.chunks(16_384) {
            stream.push(black_box(chunk), &mut redacted);
        }
        stream.finish(&mut redacted);
    })
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, text) in &inputs() {
        let bytes = text.as_bytes();
        let absent = memmem::Finder::new("9f8e7d6c5b4a39281706f5e4d3c2b1a0deadbeef");
        let ceiling = speed(bytes.len(), || {
            black_box(absent.find(black_box(bytes)));
        });
        writeln!(out, "{name}: memmem {ceiling:.0} MB/s")?;
        for count in [1, 100, 1000] {
            let redactor = secrets(count);
            let (json, stream) = (json_speed(&redactor, bytes), stream_speed(&redactor, bytes));
            let (json_share, stream_share) = (json / ceiling, stream / ceiling);
            writeln!(
                out,
                "  {count:4} values: JSON {json:5.0} MB/s ({json_share:.4}), stream {stream:5.0} MB/s ({stream_share:.4})"
            )?;
        }
    }
    for count in [1, 100, 1000] {
        let per_second = speed(1_000_000, || {
            black_box(secrets(count));
        });
        writeln!(
            out,
            "{count:4} values compiled in {:.3} ms",
            1e3 / per_second
        )?;
    }
    Ok(())
}
