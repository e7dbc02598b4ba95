//! What the audit trail and the figures learn of a call: names and kinds, never values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use toolvault_core::audit::record::Decision;
use toolvault_core::json::Kind;
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Caller, ToolCall};

use crate::mcp::shared::Shared;

/// Calls that end within so long are recorded together.
const TOGETHER: Duration = Duration::from_millis(100);

/// A call that is going on. It is recorded when it has ended, also when its client has left.
pub(crate) struct CallRecord {
    shared: Arc<Shared>,
    caller: Caller,
    tool: Option<ToolName>,
    began: Instant,
    pub(crate) arguments: Vec<(String, Kind)>,
    pub(crate) dropped: Vec<String>,
}

impl CallRecord {
    pub(crate) fn begin(shared: &Arc<Shared>, caller: &Caller, tool: Option<ToolName>) -> Self {
        Self {
            shared: Arc::clone(shared),
            caller: caller.clone(),
            tool,
            began: Instant::now(),
            arguments: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// The server answered.
    pub(crate) fn answered(mut self) {
        self.finish(Decision::Allowed, None);
    }

    /// It was refused, or failed.
    pub(crate) fn refused(mut self, reason: &'static str) {
        self.finish(Decision::Denied, Some(reason));
    }

    fn finish(&mut self, decision: Decision, reason: Option<&'static str>) {
        let Some(tool) = self.tool.take() else { return };
        let duration = self.began.elapsed();
        self.shared.figures.called(decision, duration);
        let call = ToolCall {
            tool,
            arguments: std::mem::take(&mut self.arguments),
            decision,
            reason: reason.map(str::to_owned),
            duration,
            dropped: std::mem::take(&mut self.dropped),
        };
        let ended = EndedCall {
            caller: self.caller.clone(),
            call,
        };
        if let Err(ended) = self.shared.ended_calls.try_send(ended) {
            let (shared, ended) = (Arc::clone(&self.shared), ended.into_inner());
            self.shared
                .tasks
                .spawn(async move { ended.record(&shared).await });
        }
    }
}

/// A call that has ended and is to be recorded. The uses of its secrets were recorded before it was made.
pub(crate) struct EndedCall {
    caller: Caller,
    call: ToolCall,
}

impl EndedCall {
    async fn record(self, shared: &Shared) {
        if let Err(error) = shared.vault.record_tool_call(&self.caller, self.call).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a call was not recorded"
            );
        }
    }
}

/// Records calls a few at a time, so that the trail is free for what must be in it before a value leaves.
pub(crate) async fn record_ended(shared: Arc<Shared>, mut ended: mpsc::Receiver<EndedCall>) {
    let mut calls = Vec::new();
    loop {
        let first = tokio::select! {
            () = shared.stop.cancelled() => None,
            first = ended.recv() => first,
        };
        let is_over = first.is_none();
        calls.extend(first);
        if is_over {
            ended.close();
        } else {
            tokio::time::sleep(TOGETHER).await;
        }
        while let Ok(call) = ended.try_recv() {
            calls.push(call);
        }
        let recording = calls.drain(..).map(|call| call.record(&shared));
        futures_util::future::join_all(recording).await;
        if is_over {
            return;
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.finish(Decision::Allowed, Some("abandoned"));
    }
}
