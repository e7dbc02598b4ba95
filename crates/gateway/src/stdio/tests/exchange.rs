//! Messages to and from a program.

use super::{in_time, of, script, started};
use crate::stdio::Line;
use crate::stdio::exit::{Ended, Exit};

#[tokio::test]
async fn messages_go_to_and_fro_one_a_line() {
    let (process, mut output) = started(of(&["cat"])).await;
    process.send(b"{\"a\":\n 1}").await.unwrap();
    process.send("[\"ä\"]".as_bytes()).await.unwrap();
    assert_eq!(output.line().await.unwrap(), "{\"a\":  1}");
    assert_eq!(output.line().await.unwrap(), "[\"ä\"]");
    assert!(process.is_running());
    in_time(process.stop()).await;
    assert_eq!(in_time(process.ended()).await, Exit::Exited(0));
    assert_eq!(output.line().await, None);
}

#[tokio::test]
async fn a_message_may_be_as_large_as_allowed_and_no_larger() {
    let mut launch = of(&["cat"]);
    launch.message_bytes = 1 << 20;
    let (process, mut output) = started(launch).await;
    let largest = vec![b'x'; 1 << 20];
    process.send(&largest).await.unwrap();
    assert_eq!(output.line().await.unwrap().len(), 1 << 20);
    process.send(&vec![b'x'; (1 << 20) + 1]).await.unwrap();
    assert_eq!(output.line().await.unwrap(), "too long");
    process.send(b"{}").await.unwrap();
    assert_eq!(output.line().await.unwrap(), "{}");
}

#[tokio::test]
async fn an_endless_line_ends_the_program() {
    let mut launch = of(&["sh", "-c", "tr '\\0' x < /dev/zero"]);
    launch.message_bytes = 1_000;
    let (process, mut output) = started(launch).await;
    assert_eq!(output.line().await, None);
    assert_eq!(in_time(process.ended()).await, Exit::TooLarge);
    assert_eq!(process.send(b"{}").await, Err(Ended));
}

#[tokio::test]
async fn garbage_is_passed_on_for_others_to_judge() {
    let (_process, mut output) = script("printf 'not json\\n\\n\\r\\n\\377\\376\\n{}\\r\\n'").await;
    let mut lines = Vec::new();
    while let Some(Line::Message(line)) = in_time(output.messages.recv()).await {
        lines.push(line);
    }
    assert_eq!(lines, [&b"not json"[..], b"\xff\xfe", b"{}"]);
}

#[tokio::test]
async fn half_a_message_is_none() {
    let (process, mut output) = script("printf '{\"a\":1}\\n{\"half\"'; exit 5").await;
    assert_eq!(output.lines().await, ["{\"a\":1}"]);
    assert_eq!(in_time(process.ended()).await, Exit::Exited(5));
}

#[tokio::test]
async fn what_was_written_before_the_end_arrives() {
    let (_process, mut output) = script("seq 1 20000").await;
    let lines = output.lines().await;
    assert_eq!(lines.len(), 20_000);
    assert_eq!(lines.last().unwrap(), "20000");
}

#[tokio::test]
async fn senders_wait_for_a_program_that_does_not_read_and_hear_of_its_end() {
    let (process, _output) = script("echo ready; exec sleep 1000").await;
    // What the pipe, the writer and the queue hold is less than this.
    let message = vec![b'x'; 1 << 20];
    let sending = async {
        loop {
            if let Err(ended) = process.send(&message).await {
                return ended;
            }
        }
    };
    let stopping = async {
        // The queue is full when the sender has nothing more to do.
        tokio::task::yield_now().await;
        process.stop().await;
    };
    let (ended, ()) = in_time(async { tokio::join!(sending, stopping) }).await;
    assert_eq!(ended, Ended);
    assert_eq!(in_time(process.ended()).await, Exit::Killed(15));
}

#[tokio::test]
async fn a_flood_on_standard_error_holds_nothing_up_and_is_counted() {
    let flood = 3_000_000;
    let (process, mut output) = script(&format!(
        "head -c {flood} /dev/zero >&2; echo done; read -r line; echo after >&2; echo again"
    ))
    .await;
    assert_eq!(output.line().await.unwrap(), "done");
    // All of it was read by now or is in the pipe; the waiting pieces make room for what comes next.
    let (mut seen, mut dropped) = (0, 0);
    while seen + dropped < flood && !output.stderr.is_empty() {
        let chunk = output.chunk().await.unwrap();
        seen += u64::try_from(chunk.bytes.len()).unwrap();
        dropped += chunk.dropped_before;
    }
    process.send(b"{}").await.unwrap();
    assert_eq!(output.line().await.unwrap(), "again");
    let mut last = Vec::new();
    while let Some(chunk) = output.chunk().await {
        seen += u64::try_from(chunk.bytes.len()).unwrap();
        dropped += chunk.dropped_before;
        last = chunk.bytes.to_vec();
    }
    assert!(last.ends_with(b"after\n"));
    assert!(dropped > 0);
    assert_eq!(seen + dropped, flood + 6);
}
