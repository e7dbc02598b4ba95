//! The speed of redaction, compared with that of `memchr` and `aho-corasick` for unencoded values.
//!
//!     cargo bench -p toolvault-core --bench redaction

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use memchr::memmem;
use toolvault_core::json::parse;
use toolvault_core::redaction::{Key, Redactor};

const SIZE: usize = 1 << 20;
const ENOUGH: Duration = Duration::from_millis(400);
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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

/// Repetitions of `piece`, each with a different number in it.
fn repeated(piece: &str) -> String {
    let mut text = String::with_capacity(SIZE);
    let mut number = 7_u32;
    while text.len() + piece.len() + 10 < SIZE {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(&piece.replace('#', &number.to_string()));
    }
    text
}

/// Issues of a tracker as a tool returns them: JSON inside the text of a JSON document.
fn issues() -> String {
    let issue = r#"{"id":"ISS-#","title":"Export fails for workspace #","state":{"name":"In progress","color":"f2c94c"},"url":"https://tracker.example/issue/ISS-#?view=list&page=2","description":"Steps:\n\n1. Open the workspace settings\n2. Choose \"Export\" and wait\n\nThe log says: request # took 1043 ms","createdAt":"2026-03-14T09:26:53.589Z"},"#;
    format!("[{}null]", repeated(issue))
}

fn document(text: &str) -> String {
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}).to_string()
}

fn random(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ mixed >> 32
}

/// Keys of 40 characters.
fn secrets(count: u64) -> Vec<(String, String)> {
    let secret = |index: u64| {
        let letter = |place: u64| {
            let number = usize::try_from(random(index << 8 | place) % 62).ok();
            char::from(
                number
                    .and_then(|number| LETTERS.get(number))
                    .copied()
                    .unwrap_or_default(),
            )
        };
        let value = "tvk_".chars().chain((0..36).map(letter)).collect();
        (format!("secret-{index}"), value)
    };
    (0..count).map(secret).collect()
}

fn looks_for(secrets: &[(String, String)]) -> Redactor {
    let redactor = Redactor::new(&Key::new(&std::array::from_fn(|place| {
        random(place as u64).to_le_bytes()[0]
    })));
    for (name, value) in secrets {
        redactor.add(name, value);
    }
    redactor
}

/// The inputs: typical answers of tools, then ones that are meant to be slow.
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

/// The speed of redaction as JSON, without parsing.
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

/// The speed of a search for unencoded values only, which is less than what redaction does.
fn plain_speed(secrets: &[(String, String)], bytes: &[u8]) -> f64 {
    let Ok(automaton) = AhoCorasick::new(secrets.iter().map(|(_, value)| value)) else {
        return 0.0;
    };
    speed(bytes.len(), || {
        black_box(automaton.is_match(black_box(bytes)));
    })
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let sets = [1, 1000, 10_000].map(secrets);
    let redactors = sets.each_ref().map(|secrets| looks_for(secrets));
    for (name, text) in &inputs() {
        let bytes = text.as_bytes();
        let absent = memmem::Finder::new("9f8e7d6c5b4a39281706f5e4d3c2b1a0deadbeef");
        let ceiling = speed(bytes.len(), || {
            black_box(absent.find(black_box(bytes)));
        });
        writeln!(out, "{name}: memchr {ceiling:.0} MB/s for one text")?;
        for (secrets, redactor) in sets.iter().zip(&redactors) {
            let (json, stream) = (json_speed(redactor, bytes), stream_speed(redactor, bytes));
            let plain = plain_speed(secrets, bytes);
            writeln!(
                out,
                "  {:5} values: JSON {json:5.0} MB/s, stream {stream:5.0} MB/s, aho-corasick {plain:5.0} MB/s",
                secrets.len(),
            )?;
        }
    }
    for (secrets, redactor) in sets.iter().zip(&redactors) {
        let per_second = speed(1_000_000, || {
            black_box(looks_for(secrets));
        });
        writeln!(
            out,
            "{:5} values added in {:.3} ms; they take {} KiB",
            secrets.len(),
            1e3 / per_second,
            redactor.bytes() / 1024,
        )?;
    }
    Ok(())
}
