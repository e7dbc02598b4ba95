//! Checks of what the store reports: engine, clock, keys, names.

use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{Diagnosis, KeyInfo, UserInfo};

use super::findings::Findings;
use crate::api::Api;
use crate::failure::Failure;

/// This version fixed a defect of the write-ahead log that could corrupt a database.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// A key that expires within this time is reported, in microseconds: two weeks.
const SOON: i64 = 14 * 86_400 * SECOND;
/// How far the newest record may be ahead of the clock, in microseconds.
const TOLERANCE: i64 = 5 * SECOND;

/// What the store reports.
pub(super) struct Report {
    store: Diagnosis,
    users: Vec<UserInfo>,
    keys: Vec<KeyInfo>,
}

impl Report {
    /// Requests it.
    pub(super) async fn of(api: &Api<'_>) -> Result<Self, Failure> {
        Ok(Self {
            store: api.diagnose().await?,
            users: api.list_users(None).await?,
            keys: api.list_keys(None).await?,
        })
    }
}

pub(super) fn check(report: &Report, now: Timestamp, findings: &mut Findings) {
    check_engine(&report.store, findings);
    check_trail(&report.store, now, findings);
    check_rotation(&report.store, findings);
    check_keys(report, now, findings);
    check_names(report, findings);
}

fn check_engine(report: &Diagnosis, findings: &mut Findings) {
    let engine = format!("{} {}", report.engine, report.version);
    if report.engine == "SQLite" && numbers(&report.version) < OLDEST_SQLITE {
        findings.bad(
            "engine",
            &format!("{engine} is older than 3.51.3, which fixes a defect that damages databases"),
            "use the released program, which brings its own SQLite",
        );
    } else {
        findings.good("engine", &engine);
    }
}

/// The three parts of a version; missing or non-numeric parts count as 0.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version
        .split('.')
        .map(|part| part.parse().unwrap_or_default());
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn check_rotation(report: &Diagnosis, findings: &mut Findings) {
    if report.is_rotating {
        findings.bad(
            "user keys",
            "a rotation of the user keys runs or was stopped: some users still have their old key",
            "toolvault rotate user-keys",
        );
    }
}

fn check_trail(report: &Diagnosis, now: Timestamp, findings: &mut Findings) {
    let ahead = report.newest_record.map_or(0, |newest| newest.since(now));
    if ahead > TOLERANCE {
        findings.bad(
            "clock",
            &format!(
                "the newest audit record is {} s in the future",
                ahead / SECOND
            ),
            "set the clock: it was set back, or the clock of another server is ahead",
        );
    }
}

fn check_keys(report: &Report, now: Timestamp, findings: &mut Findings) {
    let needed = report.keys.iter().filter(|key| {
        key.revoked_at.is_none() && !report.keys.iter().any(|other| succeeds(other, key))
    });
    let ending: Vec<(&KeyInfo, Timestamp)> = needed
        .filter_map(|key| Some((key, key.expires_at?)))
        .filter(|&(_, end)| end.since(now) <= SOON)
        .collect();
    let active = report
        .keys
        .iter()
        .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now));
    let active = active.count();
    if active == 0 {
        findings.notice(
            "keys",
            "no key is active, so no agent and no command over the network can do anything",
            "toolvault key create --user NAME --scope SCOPE",
        );
    } else if ending.is_empty() {
        findings.good(
            "keys",
            &format!("{active} are active, and none expires within 14 days"),
        );
    }
    for (key, end) in ending {
        let (id, name) = (key.key_id, &key.name);
        if end <= now {
            findings.bad(
                "keys",
                &format!("{id} ({name}) expired at {end}"),
                &format!(
                    "if it is not needed: toolvault key revoke {id}; otherwise create a new one"
                ),
            );
        } else {
            findings.notice(
                "keys",
                &format!("{id} ({name}) expires at {end}"),
                "create a new one in time: toolvault key create",
            );
        }
    }
}

/// Whether `newer` replaces `older`: a rotation creates a key with the same name and rights.
fn succeeds(newer: &KeyInfo, older: &KeyInfo) -> bool {
    let rights = |key: &KeyInfo| {
        let tools = key.tools.clone();
        (
            key.user_id,
            key.name.clone(),
            key.scopes,
            tools,
            key.any_user,
        )
    };
    newer.revoked_at.is_none()
        && newer.created_at > older.created_at
        && rights(newer) == rights(older)
}

fn check_names(report: &Report, findings: &mut Findings) {
    if report.store.shared_names.is_empty() {
        findings.good("names", "no user has two secrets with the same name");
    }
    for (user, names) in &report.store.shared_names {
        let named = report.users.iter().find(|info| info.user_id == *user);
        let name = named.map_or_else(|| user.to_string(), |info| info.name.clone());
        findings.notice(
            "names",
            &format!("the user {name} has {names} names that several secrets share"),
            "a reference to such a name is refused if several secrets match; rename one: toolvault secret set ID --name",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::Grade;
    use super::*;

    fn report() -> Diagnosis {
        Diagnosis {
            engine: "SQLite".to_owned(),
            version: "3.51.3".to_owned(),
            shared_names: Vec::new(),
            is_rotating: false,
            newest_record: None,
        }
    }

    fn found(store: &Diagnosis, grade: Grade) -> Vec<String> {
        let mut findings = Findings::default();
        let now = Timestamp::from_microseconds(1_800_000_000 * SECOND);
        let report = Report {
            store: store.clone(),
            users: Vec::new(),
            keys: Vec::new(),
        };
        check(&report, now, &mut findings);
        let found = findings.of_grade(grade);
        found.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_sound_store_lacks_a_key_at_most() {
        assert!(found(&report(), Grade::Bad).is_empty());
        assert_eq!(
            found(&report(), Grade::Notice),
            ["no key is active, so no agent and no command over the network can do anything"]
        );
    }

    #[test]
    fn an_old_engine_is_found_by_number_not_by_text() {
        for (version, is_old) in [
            ("3.51.2", true),
            ("3.9.9", true),
            ("3.51.10", false),
            ("3.52.0", false),
            ("4.0", false),
        ] {
            let report = Diagnosis {
                version: version.to_owned(),
                ..report()
            };
            assert_eq!(!found(&report, Grade::Bad).is_empty(), is_old, "{version}");
        }
    }

    #[test]
    fn a_rotation_that_was_stopped_is_found() {
        let report = Diagnosis {
            is_rotating: true,
            ..report()
        };
        let expected =
            "a rotation of the user keys runs or was stopped: some users still have their old key";
        assert_eq!(found(&report, Grade::Bad), [expected]);
    }

    #[test]
    fn a_clock_that_was_put_back_is_wrong() {
        let report = Diagnosis {
            newest_record: Some(Timestamp::from_microseconds(1_800_000_060 * SECOND)),
            ..report()
        };
        assert_eq!(
            found(&report, Grade::Bad),
            ["the newest audit record is 60 s in the future"]
        );
    }
}
