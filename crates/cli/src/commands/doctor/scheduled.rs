//! Checks of what the server does regularly: backups, checkpoints and retention of the audit trail.

use toolvault_server::Job;

use super::findings::Findings;
use crate::jobs::JobReport;

pub(super) fn check(reports: &[JobReport], findings: &mut Findings) {
    for report in reports {
        let check = match report.job {
            Job::Backup => "backups",
            Job::Checkpoint => "checkpoints",
            Job::Prune => "audit retention",
        };
        let done = match report.job {
            Job::Prune => "old records were last deleted",
            _ => "the last one was made",
        };
        match (&report.fault, report.last) {
            (Some(fault), _) => findings.bad(
                check,
                fault,
                match report.job {
                    Job::Prune => "read the server's log, then run: toolvault audit verify",
                    _ => "read the server's log; if it cannot write, the directory must exist, and the server must be able to write to it",
                },
            ),
            (None, Some(last)) => findings.good(check, &format!("{done} at {last}")),
            (None, None) => findings.good(check, "only the server knows the last one"),
        }
    }
}
