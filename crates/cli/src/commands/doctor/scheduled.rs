//! Checks of backups and checkpoints that the server writes regularly.

use toolvault_server::Job;

use super::findings::Findings;
use crate::jobs::JobReport;

pub(super) fn check(reports: &[JobReport], findings: &mut Findings) {
    for report in reports {
        let check = match report.job {
            Job::Backup => "backups",
            Job::Checkpoint => "checkpoints",
        };
        match (&report.fault, report.last) {
            (Some(fault), _) => findings.bad(
                check,
                fault,
                "read the server's log; if it cannot write, the directory must exist, and the server must be able to write to it",
            ),
            (None, Some(last)) => findings.good(check, &format!("the last one was made at {last}")),
            (None, None) => findings.good(check, "only the server knows the last one"),
        }
    }
}
