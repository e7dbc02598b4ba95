//! What the audit trail and the figures learn of a call: names and kinds, never values.

use std::sync::Arc;
use std::time::Instant;

use toolvault_core::audit::record::Decision;
use toolvault_core::json::Kind;
use toolvault_core::pattern::ToolName;
use toolvault_vault::{Caller, ToolCall};

use crate::mcp::shared::Shared;

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
        let (shared, caller) = (Arc::clone(&self.shared), self.caller.clone());
        self.shared.tasks.spawn(async move {
            if let Err(error) = shared.vault.record_tool_call(&caller, call).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a call was not recorded"
                );
            }
        });
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.finish(Decision::Allowed, Some("abandoned"));
    }
}
