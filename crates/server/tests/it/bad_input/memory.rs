//! Hostile bodies must not use more memory than the body limit.

use serde_json::json;

use crate::harness::{World, exchange};

/// The most memory this process has held since it was last reset, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Forgets the peak so far (proc(5), `clear_refs`).
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Other tests run at the same time; 64 such bodies parsed into trees would take more than a gigabyte.
const ROOM: u64 = 256 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_leave_memory_flat() {
    let world = World::start().await;
    let operator = world.operator();
    let list = |element: &str, count| format!("[{}]", vec![element; count].join(","));
    let shapes = [
        "[".repeat(260_000),
        format!("{{\"args\":{{\"a\":{}}}}}", list("{\"\":0}", 30_000)),
        format!("{{\"args\":{{\"a\":{}}}}}", list("[0]", 60_000)),
        format!("{{\"args\":{{\"a\":{}}}}}", list("0", 120_000)),
        format!("{{\"accepts\":{}}}", list("\"a\"", 60_000)),
        format!("{{\"calls\":{}}}", list("{}", 80_000)),
    ];
    forget_peak();
    let before = peak();
    let requests = (0..64).map(|number| {
        let (operator, body) = (operator.clone(), shapes[number % shapes.len()].clone());
        tokio::spawn(async move {
            let path = if number % 2 == 0 {
                "/v1/resolve"
            } else {
                "/v1/tools/t/resolve"
            };
            operator.json("POST", path, &body).await.status
        })
    });
    for answered in futures_util::future::join_all(requests).await {
        let status = answered.unwrap();
        assert!(matches!(status, 200 | 400 | 422), "{status}");
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < ROOM, "{} MiB", grown >> 20);
}

#[tokio::test]
async fn megabytes_are_not_even_taken_in() {
    let world = World::start().await;
    let operator = world.operator();
    let head = operator.head("POST", "/v1/secrets/");
    let anonymous = world.anonymous().head("POST", "/v1/secrets/");
    let megabytes = "[".repeat(16 << 20);
    let before = peak();
    for (head, status) in [(&head, 413), (&anonymous, 401)] {
        let announced = format!(
            "{head}content-length: {}\r\n\r\n{megabytes}",
            megabytes.len()
        );
        assert_eq!(
            exchange(world.address, announced.as_bytes()).await.status,
            status
        );
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n1000000\r\n{megabytes}\r\n");
        assert_eq!(
            exchange(world.address, chunked.as_bytes()).await.status,
            status
        );
    }
    assert!(peak().saturating_sub(before) < ROOM);
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn a_hundred_thousand_mistakes_are_no_hundred_megabytes_of_answer() {
    let world = World::start().await;
    let operator = world.operator();
    let wrong = vec![json!(1); 100_000];
    let answer = operator
        .post("/v1/tools/t/resolve", &json!({"accepts": wrong}))
        .await;
    answer.refused(422, "invalid");
    assert!(answer.body.len() < 16 << 20, "{} bytes", answer.body.len());
    let calls = vec![json!({}); 80_000];
    let answer = operator.post("/v1/resolve", &json!({"calls": calls})).await;
    answer.refused(422, "invalid");
    assert!(answer.body.len() < 1 << 20, "{} bytes", answer.body.len());
}
