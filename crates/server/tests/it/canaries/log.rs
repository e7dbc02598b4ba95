//! Everything that this process logs, at every level, checked as it is written.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::needles::Needles;

/// The maximum size of the captured text.
const KEPT: usize = 256 << 20;

/// The number of the first value that is logged on purpose; no test stores so many.
const FIRST_CONTROL: usize = 9_000;

#[derive(Default)]
struct Kept {
    text: Vec<u8>,
    lines: BTreeMap<String, usize>,
}

/// The log of this process. Other tests write to it too.
#[derive(Clone, Copy)]
pub(super) struct Log(&'static Mutex<Kept>);

impl Log {
    /// Logs everything from now on, including records of the `log` crate.
    pub(super) fn install() -> Self {
        static KEPT_LOG: OnceLock<Mutex<Kept>> = OnceLock::new();
        let mut is_new = false;
        let kept = KEPT_LOG.get_or_init(|| {
            is_new = true;
            Mutex::default()
        });
        let log = Self(kept);
        if is_new {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(log)
                .finish();
            subscriber.init();
        }
        log
    }

    /// No line holds a value, and each of `sources` has logged something.
    #[track_caller]
    pub(super) fn assert_clean(self, sources: &[&str]) {
        static CONTROLS: AtomicUsize = AtomicUsize::new(FIRST_CONTROL);
        let control = CONTROLS.fetch_add(1, Ordering::SeqCst);
        tracing::trace!(target: "canary_control", "{}", super::value(control));
        let needles = Needles::of_values();
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_control = |line: &str, number| line.contains(&super::needles::core(number));
        let mut is_found = false;
        for line in kept.text.split(|byte| *byte == b'\n') {
            let Some(encoding) = needles.find(line) else {
                continue;
            };
            let line = String::from_utf8_lossy(line);
            // Another test's control may stand here too.
            assert!(
                (FIRST_CONTROL..=control + 9).any(|number| is_control(&line, number)),
                "{encoding}: {line}"
            );
            is_found |= is_control(&line, control);
        }
        assert!(is_found, "the control was not found, so nothing is proved");
        for source in sources {
            let logged: usize = kept
                .lines
                .iter()
                .filter(|(target, _)| target.starts_with(source))
                .map(|(_, count)| count)
                .sum();
            assert!(
                logged > 0,
                "{source} logged nothing: {:?}",
                kept.lines.keys()
            );
        }
    }

    /// No line contains a needle.
    #[track_caller]
    pub(super) fn assert_lacks(self, needles: &Needles) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!kept.text.is_empty());
        assert_eq!(needles.find(&kept.text), None);
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            log: *self,
            source: String::new(),
        }
    }

    fn make_writer_for(&'a self, metadata: &tracing::Metadata<'_>) -> Line {
        Line {
            log: *self,
            source: metadata.target().to_owned(),
        }
    }
}

pub(super) struct Line {
    log: Log,
    source: String,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.text.len() + bytes.len() <= KEPT {
            kept.text.extend_from_slice(bytes);
            *kept.lines.entry(self.source.clone()).or_default() += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
