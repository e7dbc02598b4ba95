//! What the server does regularly by itself: backups, checkpoints and retention of the audit trail.

use std::path::PathBuf;

use toolvault_core::timestamp::SECOND;

use super::bucket::BucketSettings;
use super::layers::Layers;
use crate::duration;

/// Backups of the store, in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backups {
    /// How often, in microseconds.
    pub(crate) every: i64,
    /// How many files are kept.
    pub(crate) keep: usize,
    pub(crate) directory: PathBuf,
}

/// Checkpoints of the audit trail: in files, for a command, in a bucket, or in several of these.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    /// How often, in microseconds.
    pub(crate) every: i64,
    pub(crate) directory: Option<PathBuf>,
    /// A program and its arguments. Empty: none.
    pub(crate) command: Vec<String>,
    pub(crate) bucket: Option<BucketSettings>,
}

impl Backups {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        let keep = layers.integer("backup.keep", 1);
        let directory = directory(layers, "backup.directory");
        match (every(layers, "backup.every")?, directory) {
            (Some(every), Some(directory)) => Some(Self {
                every,
                keep,
                directory,
            }),
            (Some(_), None) => {
                layers.problem_at("backup.every", "set backup.directory too");
                None
            }
            (None, Some(_)) => {
                layers.problem_at("backup.directory", "set backup.every too");
                None
            }
            (None, None) => None,
        }
    }
}

impl Checkpoints {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const EVERY: &str = "audit.checkpoints.every";
        let directory = directory(layers, "audit.checkpoints.directory");
        let command = layers.texts("audit.checkpoints.command");
        let bucket = BucketSettings::of(layers);
        let has_target = directory.is_some() || !command.is_empty() || bucket.is_some();
        match every(layers, EVERY)? {
            Some(every) if has_target => Some(Self {
                every,
                directory,
                command,
                bucket,
            }),
            Some(_) => {
                let advice = "set audit.checkpoints.directory, audit.checkpoints.command or audit.checkpoints.s3.url too";
                layers.problem_at(EVERY, advice);
                None
            }
            None if has_target => {
                layers
                    .problems
                    .push(format!("audit.checkpoints: set {EVERY} too"));
                None
            }
            None => None,
        }
    }
}

/// How long the server keeps audit records, in microseconds.
pub(super) fn audit_keep(layers: &mut Layers) -> Option<i64> {
    const KEEP: &str = "audit.keep";
    let keep = every(layers, KEEP)??;
    if keep < 86_400 * SECOND {
        layers.problem_at(KEEP, "expected at least 1d");
        return None;
    }
    Some(keep)
}

/// A duration in microseconds. The outer value is `None` if it cannot be used.
#[expect(
    clippy::option_option,
    reason = "not set is not the same as not usable"
)]
fn every(layers: &mut Layers, key: &str) -> Option<Option<i64>> {
    let Some((text, _)) = layers.text(key) else {
        return Some(None);
    };
    match duration::parse(text) {
        Ok(seconds) if seconds > 0 => Some(Some(seconds * SECOND)),
        Ok(_) => {
            layers.problem_at(key, "expected at least 1s");
            None
        }
        Err(expected) => {
            layers.problem_at(key, &format!("expected {expected}"));
            None
        }
    }
}

fn directory(layers: &mut Layers, key: &str) -> Option<PathBuf> {
    let path = layers.path(key)?;
    if path.is_relative() {
        layers.problem_at(key, "expected an absolute path");
    }
    Some(path)
}
