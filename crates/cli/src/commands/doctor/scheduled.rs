//! Checks of what the server does regularly: backups, and checkpoints, retention and shipping of the audit trail, and alarms.

use toolvault_server::Job;

use super::findings::Findings;
use crate::jobs::JobReport;

pub(super) fn check(reports: &[JobReport], findings: &mut Findings) {
    for report in reports {
        let check = match report.job {
            Job::Backup => "backups",
            Job::Checkpoint => "checkpoints",
            Job::Prune => "audit retention",
            Job::Ship => "audit shipping",
            Job::Alarms => "alarms",
        };
        let done = match report.job {
            Job::Prune => "old records were last deleted",
            Job::Ship => "the receiver last acknowledged records",
            Job::Alarms => "one was last sent",
            _ => "the last one was made",
        };
        match (&report.fault, report.last) {
            (Some(fault), _) if let Some(holder) = &report.done_by => findings.bad(
                check,
                &format!("{fault}; its lock has {holder}"),
                &format!(
                    "read the log of the server that has this session; if no server has it, someone else took the lock: \
                     find out who, and end it with SELECT pg_terminate_backend({})",
                    holder.pid
                ),
            ),
            (Some(fault), _) => findings.bad(
                check,
                fault,
                match report.job {
                    Job::Prune => "read the server's log, then run: toolvault audit verify",
                    Job::Ship => "read the server's log and the receiver's; toolvault status shows how many records wait",
                    Job::Alarms => "read the server's log and the receiver's, then run: toolvault alarms test",
                    _ => "read the server's log; if it cannot write, the directory must exist, and the server must be able to write to it",
                },
            ),
            (None, Some(last)) => findings.good(check, &format!("{done} at {last}")),
            (None, None) if report.job == Job::Ship => {
                findings.good(check, "nothing was shipped yet, and no record waits for long");
            }
            (None, None) if report.job == Job::Alarms && report.done_by.is_none() => {
                findings.good(check, "none was sent since the server started");
            }
            (None, None) => findings.good(
                check,
                &match &report.done_by {
                    Some(holder) => format!("only the server that does it knows when it last succeeded: {holder}"),
                    None => "only the server knows when it last succeeded".to_owned(),
                },
            ),
        }
    }
}
