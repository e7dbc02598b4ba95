//! Calls through the gateway in the audit trail: names and types, never a value.

use std::time::Duration;

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::json::Kind;
use toolvault_core::scope::Scope;
use toolvault_vault::{AuditFilter, Denial, Error, ToolCall};

use crate::harness::App;
use crate::harness::actor::any_record;
use crate::harness::app::key;
use crate::harness::gateway::tool;

fn called(name: &str) -> ToolCall {
    ToolCall {
        tool: tool(name),
        arguments: Vec::new(),
        decision: Decision::Allowed,
        reason: None,
        duration: Duration::from_micros(2_900),
        dropped: Vec::new(),
        span: tracing::Span::none(),
    }
}

on_both! {
    async fn a_call_is_recorded_by_names_and_kinds(app: App) {
        let ann = app.person("ann").await;
        let kinds = [Kind::Object, Kind::Array, Kind::String, Kind::Number, Kind::Bool, Kind::Null];
        let arguments = ["a", "b", "c", "d", "e", "x:\n\"y"].into_iter().map(str::to_owned).zip(kinds).collect();
        let full = ToolCall { arguments, dropped: vec!["token".to_owned()], ..called("linear__get") };
        let caller = ann.caller.clone().with_request_id("req-1".into());
        app.vault.record_tool_calls([(caller.clone(), full)]).await.unwrap();
        let refused = ToolCall { decision: Decision::Denied, reason: Some("tool_not_allowed".into()), ..called("linear__set") };
        app.vault.record_tool_calls([(ann.caller.clone(), refused)]).await.unwrap();
        let records = ann.records(Action::ToolCalled).await;
        assert_eq!(records.len(), 2);
        let (refused, full) = (&records[0], &records[1]);
        let names = ["a:object", "b:array", "c:string", "d:number", "e:boolean", "x:\n\"y:null"];
        assert_eq!(full.arguments.as_deref().unwrap(), names);
        assert_eq!(full.dropped.as_deref().unwrap(), ["token"]);
        assert_eq!((full.duration_ms, full.decision, full.reason.as_deref()), (Some(2), Decision::Allowed, None));
        assert_eq!((full.tool.as_deref(), full.request_id.as_deref()), (Some("linear__get"), Some("req-1")));
        assert_eq!((full.user_id, full.actor.as_str()), (Some(ann.caller.user()), ann.caller.actor().to_string().as_str()));
        assert_eq!((refused.decision, refused.reason.as_deref()), (Decision::Denied, Some("tool_not_allowed")));
        assert_eq!((refused.arguments.as_deref(), refused.dropped.as_ref()), (Some(&[][..]), None));
        let filter = AuditFilter { tool: Some("linear__set".into()), ..any_record() };
        assert_eq!(ann.audit(&filter).await.records.len(), 1);
        assert!(app.person("bob").await.records(Action::ToolCalled).await.is_empty());
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_call_cannot_make_a_large_page(app: App) {
        let ann = app.person("ann").await;
        let name = "\u{1}".repeat(100_000);
        let huge = ToolCall {
            arguments: vec![(name.clone(), Kind::Null); 1_000],
            dropped: vec![name.clone(); 1_000],
            reason: Some(name),
            duration: Duration::MAX,
            ..called("linear__get")
        };
        app.vault.record_tool_calls([(ann.caller.clone(), huge)]).await.unwrap();
        let many = ToolCall { arguments: vec![("é".repeat(200), Kind::Null); 3], ..called("linear__get") };
        app.vault.record_tool_calls([(ann.caller.clone(), many)]).await.unwrap();
        let records = ann.records(Action::ToolCalled).await;
        assert_eq!(records[0].arguments.as_deref().unwrap(), vec![format!("{}:null", "é".repeat(128)); 3]);
        let written = serde_json::to_string(&records[1]).unwrap();
        assert!(written.len() < 12_000, "{}", written.len());
        assert_eq!(records[1].duration_ms, Some(i64::MAX));
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn only_use_has_calls_to_record_and_a_limited_key_sees_those_of_its_tools(app: App) {
        let ann = app.person("ann").await;
        let other = ann.delegate(key("o", &[Scope::Manage, Scope::Resolve, Scope::Audit])).await;
        let refused = app.vault.record_tool_calls([(other.caller.clone(), called("linear__get"))]).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Use)))));
        let limited = ann.limited(&[Scope::Use, Scope::Audit], &["linear__*"]).await;
        for name in ["linear__get", "github__get"] {
            app.vault.record_tool_calls([(limited.caller.clone(), called(name))]).await.unwrap();
        }
        assert_eq!(limited.records(Action::ToolCalled).await.len(), 1);
        assert_eq!(ann.records(Action::ToolCalled).await.len(), 2);
        assert_eq!(ann.records(Action::AccessDenied).await.len(), 1);
    }
}
