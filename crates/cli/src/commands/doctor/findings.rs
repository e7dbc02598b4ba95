//! The findings, check by check.

use serde::Serialize;

use crate::printer::Printer;

/// The result of one check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    result: Grade,
    message: String,
    fix: Option<String>,
}

/// The results of all checks.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// The check passed.
    pub(super) fn good(&mut self, check: &'static str, message: &str) {
        self.add(check, Grade::Good, message, None);
    }

    /// The check found something that may need attention.
    pub(super) fn notice(&mut self, check: &'static str, message: &str, fix: &str) {
        self.add(check, Grade::Notice, message, Some(fix));
    }

    /// The check found a problem.
    pub(super) fn bad(&mut self, check: &'static str, message: &str, fix: &str) {
        self.add(check, Grade::Bad, message, Some(fix));
    }

    /// Whether there are no problems.
    pub(super) fn is_sound(&self) -> bool {
        self.0.iter().all(|finding| finding.result != Grade::Bad)
    }

    /// Prints each finding, with its fix below it.
    pub(super) fn print(&self, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
        if is_json {
            return printer.json(&serde_json::json!({"ok": self.is_sound(), "findings": self.0}));
        }
        for finding in &self.0 {
            let grade = match finding.result {
                Grade::Good => "ok",
                Grade::Notice => "note",
                Grade::Bad => "WRONG",
            };
            printer.line(&format!(
                "{grade:5}  {}: {}",
                finding.check, finding.message
            ))?;
            if let Some(fix) = &finding.fix {
                printer.line(&format!("       fix: {fix}"))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, check: &'static str, result: Grade, message: &str, fix: Option<&str>) {
        self.0.push(Finding {
            check,
            result,
            message: message.to_owned(),
            fix: fix.map(str::to_owned),
        });
    }

    #[cfg(test)]
    pub(super) fn of_grade(&self, grade: Grade) -> Vec<&str> {
        let graded = self.0.iter().filter(|finding| finding.result == grade);
        graded.map(|finding| finding.message.as_str()).collect()
    }
}

/// The severity of a finding. Only `Bad` makes the exit status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Grade {
    Good,
    Notice,
    Bad,
}
