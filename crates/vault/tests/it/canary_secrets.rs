//! Canaries: never applied, not to be told from secrets that do not exist, and recorded.

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::json;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Error, SecretInfo};

use crate::harness::app::key;
use crate::harness::gateway::{ANYWHERE, problems, tool};
use crate::harness::{Actor, Answered as _, App, NewSecretExt as _, call, secret};

const HEADER: &str = "headers.Authorization";
const VALUE: &str = "canary value that is never given out";

fn canary() -> Policy {
    Policy {
        canary: true,
        ..Policy::default()
    }
}

/// Makes a canary of a secret, and returns it.
async fn mark(actor: &Actor, info: SecretInfo) -> SecretInfo {
    let (vault, caller) = (&actor.vault, &actor.caller);
    let policy = vault.set_policy(caller, info.secret_id, canary(), Vec::new());
    assert_eq!(policy.await.unwrap(), canary());
    info
}

/// Tool and argument of each attempt, the newest first.
async fn attempts(actor: &Actor) -> Vec<(String, String)> {
    let records = actor.records(Action::CanaryUsed).await;
    let told = records.into_iter().map(|record: Record| {
        assert_eq!(record.decision, Decision::Denied);
        assert!(record.secret_id.is_some() && record.version.is_some());
        assert!(!serde_json::to_string(&record).unwrap().contains(VALUE));
        (record.tool.unwrap(), record.argument.unwrap())
    });
    told.collect()
}

/// What a failed call says, without the name of the secret that it asked for.
async fn refusal(actor: &Actor, asked: &str) -> String {
    let refused = call("tool").binding("k", asked).problems(actor).await;
    format!("{refused:?}")
}

on_both! {
    async fn a_reference_to_a_canary_is_answered_like_one_to_nothing(app: App) {
        let operator = app.operator().await;
        let bait = mark(&operator, operator.store(secret("bait", VALUE)).await).await;
        mark(&operator, operator.store(secret("bound", VALUE).bound("other", "x")).await).await;
        let runtime = operator.delegate(key("r", &[Scope::Resolve])).await;
        let missing = refusal(&runtime, "secret://nothing").await;
        assert_eq!(attempts(&operator).await, []);
        let by_id = format!("secret:///id/{}", bait.secret_id);
        // Whatever it is bound to: who names it has got to know of it.
        for (index, reference) in ["secret://bait", by_id.as_str(), "secret://bound"].into_iter().enumerate() {
            assert_eq!(refusal(&runtime, reference).await, missing);
            let attempts = attempts(&operator).await;
            assert_eq!(attempts.len(), index + 1);
            assert_eq!(attempts[0], ("tool".to_owned(), "k".to_owned()));
        }
        assert!(operator.records(Action::SecretUsed).await.is_empty());
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        // It is found again after a start, and is a secret again without the policy.
        let app = app.reopen().await;
        let operator = app.operator().await;
        assert_eq!(refusal(&operator, "secret://bait").await, missing);
        assert_eq!(attempts(&operator).await.len(), 4);
        let (vault, caller) = (&operator.vault, &operator.caller);
        vault.set_policy(caller, bait.secret_id, Policy::default(), Vec::new()).await.unwrap();
        assert!(call("tool").binding("k", "secret://bait").resolve(&operator).await.is_ok());
        assert_eq!(attempts(&operator).await.len(), 4);
        app.vault.close().await;
    }

    async fn a_default_that_is_a_canary_is_recorded_where_it_would_have_been_applied(app: App) {
        let operator = app.operator().await;
        operator.store(secret("real", "a real value").default_for("t*", "k")).await;
        mark(&operator, operator.store(secret("bait", VALUE).default_for("t*", "bait")).await).await;
        mark(&operator, operator.store(secret("wide", VALUE).default_for("*", "k")).await).await;
        let done = call("tool").resolve(&operator).await.unwrap();
        assert_eq!(done.json(), r#"{"k":"a real value"}"#);
        // Not the wide one: the real secret takes precedence over it.
        assert_eq!(attempts(&operator).await, [("tool".to_owned(), "bait".to_owned())]);
        for quiet in [
            call("tool").args(r#"{"bait":"mine"}"#),
            call("tool").accepts(&["k"]),
        ] {
            quiet.resolve(&operator).await.unwrap();
        }
        assert_eq!(attempts(&operator).await.len(), 1);
        let problems = call("other").require(&["k"]).problems(&operator).await;
        assert_eq!(problems[0].kind, "secret_missing");
        assert_eq!(attempts(&operator).await.len(), 2);
        let limited = operator.limited(&[Scope::Resolve], &["u*"]).await;
        call("u1").resolve(&limited).await.unwrap();
        assert_eq!(attempts(&operator).await.len(), 2, "the key does not reach it");
        mark(&operator, operator.store(secret("best", VALUE).default_for("tool", "k")).await).await;
        let done = call("tool").resolve(&operator).await.unwrap();
        assert_eq!(done.json(), r#"{"k":"a real value"}"#, "the next one is applied");
        assert_eq!(attempts(&operator).await.len(), 4);
    }

    async fn the_gateway_neither_hides_nor_applies_one(app: App) {
        let ann = app.person("ann").await;
        mark(&ann, ann.store(secret("bait", VALUE).default_for("linear__get", "token")).await).await;
        mark(&ann, ann.store(secret("header", VALUE).bound("linear__*", HEADER)).await).await;
        let tools = [tool("linear__get")];
        let hidden = ann.vault.hidden_arguments(&ann.caller, &tools, &ANYWHERE).await.unwrap();
        assert!(hidden[0].is_empty());
        assert_eq!(attempts(&ann).await, [], "a list of tools uses nothing");
        let injected = call("linear__get").inject(&ann, &ANYWHERE).await.unwrap();
        assert_eq!(injected.completed.json(), "{}");
        assert!(injected.values.is_empty());
        assert_eq!(attempts(&ann).await.len(), 1);
        let asked = |name: &'static str| {
            let ann = &ann;
            async move { format!("{:?}", problems(ann.credentials("linear__", &[(HEADER, name)]).await)) }
        };
        assert_eq!(asked("secret://header").await, asked("secret://nothing").await);
        assert_eq!(attempts(&ann).await[0], ("linear__".to_owned(), HEADER.to_owned()));
        assert_eq!(attempts(&ann).await.len(), 2);
    }

    async fn only_who_manages_secrets_is_told_that_it_is_one(app: App) {
        let operator = app.operator().await;
        mark(&operator, operator.store(secret("bait", VALUE).default_for("tool", "k")).await).await;
        let runtime = operator.delegate(key("r", &[Scope::Resolve])).await;
        let agent = app.sign_in(&app.agent_key).await;
        for caller in [runtime, agent] {
            let told = call("tool").explain(&caller).await.unwrap();
            assert_eq!(told.arguments, [], "as if there were none");
            let told = call("tool").binding("k", "secret://bait").explain(&caller).await.unwrap();
            assert!(told.arguments[0].near.is_empty() && told.arguments[0].candidates.is_empty());
        }
        for told in [
            call("tool").explain(&operator).await.unwrap(),
            call("tool").binding("k", "secret://bait").explain(&operator).await.unwrap(),
        ] {
            let near = &told.arguments[0].near;
            assert_eq!(near[0].why, "it is a canary, which is never applied");
        }
        assert_eq!(attempts(&operator).await, [], "an explanation uses nothing");
        assert_eq!(operator.list().await.len(), 1);
    }

    async fn its_value_is_found_in_what_callers_send(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let sent = format!(r#"{{"text":"see {VALUE}, please"}}"#);
        let found = async |actor: &Actor, text: &str| {
            let sent = json::parse_text(text).unwrap();
            actor.vault.canaries_in(&actor.caller, sent).await.unwrap()
        };
        let info = ann.store(secret("bait", VALUE)).await;
        assert_eq!(found(&ann, &sent).await, [], "it is none yet");
        mark(&ann, info.clone()).await;
        let repeated = found(&ann, &sent).await;
        assert_eq!((repeated.len(), repeated[0].secret_id, repeated[0].is_canary), (1, info.secret_id, true));
        assert_eq!(found(&bob, &sent).await, [], "another user's callers are not searched");
        call("tool").args(&sent).resolve(&ann).await.unwrap();
        let records = ann.records(Action::ValueRepeated).await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].reason.as_deref(), Some("canary"));
        assert_eq!(records[0].tool.as_deref(), Some("tool"));
        ann.set_value(info.secret_id, "another value of the canary").await;
        assert_eq!(found(&ann, &sent).await, [], "the current value counts");
        assert_eq!(found(&ann, r#"["another value of the canary"]"#).await.len(), 1);
        ann.delete(info.secret_id).await.unwrap();
        assert_eq!(found(&ann, r#"["another value of the canary"]"#).await, []);
    }

    async fn a_canary_of_many_lines_takes_no_room_from_others(app: App) {
        let ann = app.person("ann").await;
        let lines: Vec<_> = (0..1_000).map(|line| format!("line {line:04} of a canary")).collect();
        mark(&ann, ann.store(secret("long", &lines.join("\n"))).await).await;
        mark(&ann, ann.store(secret("bait", VALUE)).await).await;
        let sent = format!(r#"["{}","{VALUE}"]"#, lines[500]);
        let found = ann.vault.canaries_in(&ann.caller, json::parse_text(&sent).unwrap()).await.unwrap();
        let names: Vec<_> = found.iter().map(|found| found.secret_name.as_str()).collect();
        assert_eq!(names, ["bait"], "there is a limit to the memory that a search takes");
    }

    async fn a_canary_cannot_be_made_a_secret_in_the_database(app: App) {
        let operator = app.operator().await;
        let bait = mark(&operator, operator.store(secret("bait", VALUE)).await).await;
        let rows = crate::harness::rows::Rows::of(&app).await;
        rows.run("UPDATE secrets SET policy = replace(policy, ',\"canary\":true', '')").await;
        let app = app.reopen().await;
        let operator = app.operator().await;
        let by_id = format!("secret:///id/{}", bait.secret_id);
        let refused = call("tool").binding("k", &by_id).resolve(&operator).await;
        assert!(matches!(refused, Err(Error::Integrity)), "it was opened, or refused for another reason");
        app.vault.close().await;
    }
}
