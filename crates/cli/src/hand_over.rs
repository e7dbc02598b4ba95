//! Commands of the operator that get something on standard input.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

/// How long a command may take. Then it is killed.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs a program with arguments, without a shell and without the variables in `withheld`.
///
/// # Errors
/// It cannot be started, takes more than 30 s, or does not exit with 0.
pub(crate) async fn hand_over(
    command: &[String],
    withheld: &[OsString],
    input: &[u8],
) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let failed = |why: &dyn std::fmt::Display| format!("the command {program} failed: {why}");
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    for name in withheld {
        command.env_remove(name);
    }
    let running = async {
        let mut process = command.spawn()?;
        if let Some(mut pipe) = process.stdin.take() {
            // A command may end without reading everything; its exit status tells whether it failed.
            let _ = pipe.write_all(input).await;
        }
        process.wait().await
    };
    let status = tokio::time::timeout(LIMIT, running)
        .await
        .map_err(|_| failed(&"it took longer than 30 s"))?
        .map_err(|error| failed(&error.kind()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&status))
    }
}
