//! How programs end, and that they leave nothing behind.

use std::time::Instant;

use super::{PATIENCE, in_time, of, script, started};
use crate::stdio::exit::{Ended, Exit};

#[tokio::test]
async fn a_program_that_exits_at_once_is_seen() {
    let (process, mut output) = script("exit 7").await;
    assert_eq!(in_time(process.ended()).await, Exit::Exited(7));
    assert!(!process.is_running());
    assert_eq!(process.send(b"{}").await, Err(Ended));
    assert_eq!(output.line().await, None);
    in_time(process.stop()).await;
}

#[tokio::test]
async fn a_program_is_asked_before_it_is_killed() {
    let (process, mut output) =
        script("trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done").await;
    assert_eq!(output.line().await.unwrap(), "ready");
    in_time(process.stop()).await;
    assert_eq!(in_time(process.ended()).await, Exit::Exited(3));
}

#[tokio::test]
async fn a_program_that_does_not_listen_is_killed() {
    let (process, mut output) =
        script("trap '' TERM; echo ready; while :; do sleep 0.02; done").await;
    assert_eq!(output.line().await.unwrap(), "ready");
    let clone = process.clone();
    let both = async { tokio::join!(process.stop(), clone.stop()) };
    in_time(both).await;
    assert_eq!(in_time(process.ended()).await, Exit::Killed(9));
    in_time(process.stop()).await;
}

#[tokio::test]
async fn what_was_queued_is_written_before_the_input_is_closed() {
    let mut launch = of(&["sh", "-c", "cat; echo end"]);
    launch.grace = PATIENCE;
    let (process, mut output) = started(launch).await;
    for number in 0..3 {
        process.send(number.to_string().as_bytes()).await.unwrap();
    }
    in_time(process.stop()).await;
    assert_eq!(output.lines().await, ["0", "1", "2", "end"]);
    assert_eq!(process.send(b"{}").await, Err(Ended));
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_killed() {
    let (process, mut output) = script("sleep 1000 & echo $!; exit 0").await;
    let left = output.line().await.unwrap();
    assert_eq!(in_time(process.ended()).await, Exit::Exited(0));
    assert_eq!(output.line().await, None);
    has_gone(&left);
}

#[tokio::test]
async fn children_of_a_program_end_with_it() {
    let (process, mut output) =
        script("trap '' TERM; (trap '' TERM; sleep 1000) & echo $!; wait").await;
    let child = output.line().await.unwrap();
    in_time(process.stop()).await;
    has_gone(&child);
}

#[tokio::test]
async fn a_child_that_left_the_group_holds_nothing_up() {
    let before = Instant::now();
    let (process, mut output) = script("setsid sleep 300 & echo $!; exit 0").await;
    let escaped = output.line().await.unwrap();
    assert_eq!(in_time(process.ended()).await, Exit::Exited(0));
    assert_eq!(output.line().await, None);
    assert!(before.elapsed() < PATIENCE);
    let killed = std::process::Command::new("kill").arg(escaped).status();
    assert!(killed.unwrap().success());
}

#[tokio::test]
async fn a_program_that_closes_its_output_is_stopped() {
    let (process, mut output) = script("exec >&-; exec sleep 1000").await;
    assert_eq!(output.line().await, None);
    assert_eq!(in_time(process.ended()).await, Exit::Killed(15));
}

#[tokio::test]
async fn it_ends_when_its_handle_or_its_output_is_dropped() {
    let (process, mut output) = script("echo ready; exec sleep 1000").await;
    assert_eq!(output.line().await.unwrap(), "ready");
    drop(process);
    assert_eq!(output.line().await, None);

    let (process, output) = script("exec sleep 1000").await;
    drop(output);
    assert_eq!(in_time(process.ended()).await, Exit::Killed(15));
}

/// Waits until a process has ended, or is a zombie that waits for its parent.
fn has_gone(id: &str) {
    let since = Instant::now();
    let is_alive = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = status.rsplit_once(')').map(|(_, rest)| rest.trim_start());
        state.is_some_and(|state| !state.starts_with(['Z', 'X']))
    };
    while is_alive() {
        assert!(since.elapsed() < PATIENCE, "{id} is still there");
        std::thread::yield_now();
    }
}
