//! What the audit trail and the metrics learn of a call: names and kinds of arguments, never values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::audit::record::Decision;
use toolvault_core::json::Kind;
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Caller, SPANS, ToolCall, Vault};
use tracing::Span;
use tracing::field::Empty;

use super::metrics::Metrics;
use super::server::Server;

/// Calls that end within this time are recorded together.
const BATCH: Duration = Duration::from_millis(100);
/// How many calls may wait to be recorded; further ones are recorded one by one.
const WAITING: usize = 4_096;

/// Records calls. The uses of their secrets were recorded before the calls were made.
#[derive(Clone)]
pub(crate) struct Recorder {
    vault: Vault,
    metrics: Arc<Metrics>,
    ended: mpsc::Sender<EndedCall>,
    tasks: TaskTracker,
}

type EndedCall = (Caller, ToolCall);

/// A call that is going on. It is recorded when it ends, also when its client has left.
pub(crate) struct CallRecord {
    recorder: Recorder,
    caller: Caller,
    server: Arc<Server>,
    tool: Option<ToolName>,
    began: Instant,
    pub(crate) arguments: Vec<(String, Kind)>,
    pub(crate) dropped: Vec<String>,
    /// Of the whole call, in traces.
    pub(crate) span: Span,
}

impl Recorder {
    /// A recorder that works in `tasks` until `stop`.
    pub(crate) fn new(
        vault: Vault,
        metrics: Arc<Metrics>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (ended, receiver) = mpsc::channel(WAITING);
        let recording = record_ended(vault.clone(), receiver, tasks.clone(), stop);
        tasks.spawn(recording);
        Self {
            vault,
            metrics,
            ended,
            tasks,
        }
    }

    /// A call that begins now.
    pub(crate) fn begin(
        &self,
        caller: &Caller,
        server: &Arc<Server>,
        tool: Option<ToolName>,
    ) -> CallRecord {
        CallRecord {
            recorder: self.clone(),
            caller: caller.clone(),
            server: Arc::clone(server),
            tool,
            began: Instant::now(),
            arguments: Vec::new(),
            dropped: Vec::new(),
            span: tracing::trace_span!(
                target: SPANS, "gateway.call", toolvault.server = server.name.as_str(), toolvault.tool = Empty,
                error.type = Empty, ended = Empty,
            ),
        }
    }
}

impl CallRecord {
    /// The server answered.
    pub(crate) fn answered(mut self) {
        self.finish(Decision::Allowed, None);
    }

    /// The call was refused, or failed.
    pub(crate) fn refused(mut self, reason: &'static str) {
        self.finish(Decision::Denied, Some(reason));
    }

    fn finish(&mut self, decision: Decision, reason: Option<&'static str>) {
        let Some(tool) = self.tool.take() else { return };
        let duration = self.began.elapsed();
        let recorder = &self.recorder;
        recorder.metrics.called(decision, duration);
        let now = recorder.vault.clock().now();
        self.server.noted.note(now, reason);
        // It is closed when the call was recorded, with the name of the tool.
        self.span.record("ended", true);
        self.span.record("error.type", reason);
        let call = ToolCall {
            tool,
            arguments: std::mem::take(&mut self.arguments),
            decision,
            reason: reason.map(str::to_owned),
            duration,
            dropped: std::mem::take(&mut self.dropped),
            span: self.span.clone(),
        };
        let caller = self.caller.clone();
        if let Err(ended) = recorder.ended.try_send((caller, call)) {
            let (vault, ended) = (recorder.vault.clone(), ended.into_inner());
            recorder
                .tasks
                .spawn(async move { record(&vault, [ended]).await });
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.finish(Decision::Allowed, Some("abandoned"));
    }
}

async fn record(vault: &Vault, calls: impl IntoIterator<Item = EndedCall>) {
    if let Err(error) = vault.record_tool_calls(calls).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "calls were not recorded"
        );
    }
}

/// Records calls in batches, so that the trail is free for the records that must be written before a value leaves.
async fn record_ended(
    vault: Vault,
    mut ended: mpsc::Receiver<EndedCall>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            () = stop.cancelled() => None,
            first = ended.recv() => first,
        };
        let is_over = first.is_none();
        let mut calls = Vec::from_iter(first);
        if is_over {
            ended.close();
        } else {
            tokio::time::sleep(BATCH).await;
        }
        while let Ok(call) = ended.try_recv() {
            calls.push(call);
        }
        let vault = vault.clone();
        tasks.spawn(async move { record(&vault, calls).await });
        if is_over {
            return;
        }
    }
}
