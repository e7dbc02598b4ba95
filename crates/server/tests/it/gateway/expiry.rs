//! A key that expires while it is in use. No event announces it, only the clock.

use std::sync::Mutex;

use tokio::sync::mpsc;
use toolvault_core::scope::Scope::Use;

use super::relay::{Client, ERAS, Era, Gate, Said};
use crate::harness::{Actor, Rights};

const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object"}}"#;
/// How long the keys are valid, in seconds of the vault's clock.
const VALID: i64 = 3_600;

async fn holder(gate: &Gate) -> Actor {
    let rights = Rights {
        scopes: &[Use],
        expires_in: Some(VALID),
        ..Rights::default()
    };
    gate.world.holder(rights).await
}

#[tokio::test]
async fn a_key_that_expires_between_two_requests_is_refused_and_its_session_ends() {
    let gate = Gate::start(&[PLAIN]).await;
    for era in ERAS {
        let agent = gate.client(&holder(&gate).await, era).await;
        assert_eq!(agent.call("plain", "{}").await.head.status, 200, "{era:?}");
        gate.world.clock.advance(VALID + 1);
        let before = gate.upstream.heard("tools/call").len();
        assert_eq!(agent.call("plain", "{}").await.head.status, 401, "{era:?}");
        assert_eq!(gate.upstream.heard("tools/call").len(), before);
    }
    // The server's session ends, too, even without another request.
    gate.upstream.hears("DELETE", 1).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_key_expires() {
    let gate = Gate::start(&[PLAIN]).await;
    let _feed = gate.upstream.streams();
    for era in ERAS {
        let agent = gate.client(&holder(&gate).await, era).await;
        let mut news = agent.listen().await;
        assert_eq!(news.head.status, 200, "{era:?}");
        gate.world.clock.advance(VALID + 1);
        // In the later era the end is an error of the request.
        while let Some(event) = news.next().await {
            assert!(era == Era::Modern && event.json().get("error").is_some());
        }
    }
}

#[tokio::test]
async fn a_call_under_way_ends_when_its_key_expires() {
    let gate = Gate::start(&[PLAIN]).await;
    for era in ERAS {
        let (feed, receiver) = mpsc::unbounded_channel();
        let receiver = Mutex::new(Some(receiver));
        gate.upstream.on("tools/call", move |_| {
            Said::Stream(receiver.lock().unwrap().take().unwrap())
        });
        let agent: Client = gate.client(&holder(&gate).await, era).await;
        let calls = gate.upstream.heard("tools/call").len();
        let calling = tokio::spawn(async move { agent.call("plain", "{}").await });
        gate.upstream.hears("tools/call", calls + 1).await;
        gate.world.clock.advance(VALID + 1);
        let reply = calling.await.unwrap();
        let (code, text) = reply.error();
        assert_eq!(code, 1003, "{era:?} {reply:?}");
        // The server may have done what it was asked, so the client is not told to repeat it.
        assert!(
            text.contains("Whether the call was carried out is unknown"),
            "{text}"
        );
        assert!(!text.contains("retry"), "{text}");
        drop(feed);
    }
}
