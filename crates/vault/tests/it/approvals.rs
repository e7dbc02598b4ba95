//! Approvals: a person decides about calls, never whoever makes them, and what was allowed is for exactly that.

use std::time::Duration;

use toolvault_core::audit::record::Action;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::ApprovalId;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    ApprovalDecision, ApprovalState, Asked, AskedCall, Clock as _, Denial, Error, NewKey, Waiting,
};

use crate::harness::app::key;
use crate::harness::databases::on_postgres;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, DAY, HOUR, MINUTE, NewSecretExt as _, secret};

const SHOWN: &str = r#"{"title":"Ship","count":1}"#;

fn asked(need: Need, arguments: &str) -> AskedCall {
    AskedCall {
        server: "linear".to_owned(),
        tool: "create_issue".to_owned(),
        title: Some("Create an issue".to_owned()),
        definition: Some([7; 32]),
        need,
        secret_name: None,
        arguments: Wiped::new(arguments.as_bytes().to_vec()),
        shown: Wiped::new(arguments.as_bytes().to_vec()),
        lasts: Duration::from_mins(10),
        has_waited: false,
    }
}

fn call(arguments: &str) -> AskedCall {
    asked(Need::Each, arguments)
}

async fn ask(actor: &Actor, call: &AskedCall) -> Asked {
    actor.vault.ask_approval(&actor.caller, call).await.unwrap()
}

async fn waits(actor: &Actor, call: &AskedCall) -> Waiting {
    match ask(actor, call).await {
        Asked::Waiting(waiting) => waiting,
        other => panic!("{other:?}"),
    }
}

async fn is_allowed(actor: &Actor, call: &AskedCall) -> bool {
    matches!(ask(actor, call).await, Asked::Allowed)
}

async fn decide(person: &Actor, id: ApprovalId, decision: ApprovalDecision) {
    let decided = person.vault.decide_approval(&person.caller, id, decision);
    decided.await.unwrap();
}

async fn state(person: &Actor, id: ApprovalId) -> ApprovalState {
    let found = person.vault.approval(&person.caller, id).await;
    found.unwrap().state
}

/// A person, and an agent with a key of theirs.
async fn pair(app: &App) -> (Actor, Actor) {
    let person = app.operator().await;
    let agent = person.delegate(key("agent", &[Scope::Use])).await;
    (person, agent)
}

on_both! {
    async fn a_call_waits_until_a_person_allows_it_and_once_is_once(app: App) {
        let (person, agent) = pair(&app).await;
        let first = waits(&agent, &call(SHOWN)).await;
        assert!(first.is_new);
        // The same call joins it, however its arguments are spelled.
        let again = waits(&agent, &call(r#"{ "count":1.0, "title":"\u0053hip" }"#)).await;
        assert_eq!((again.id, again.is_new), (first.id, false));
        let listed = person.vault.approvals(&person.caller, 10, 0).await.unwrap();
        assert_eq!(listed.total, 1);
        let shown = &listed.approvals[0];
        assert_eq!((shown.server.as_str(), shown.tool.as_str()), ("linear", "create_issue"));
        assert_eq!((shown.arguments.as_str(), shown.state), (SHOWN, ApprovalState::Pending));
        assert_eq!((shown.requester.as_str(), shown.key_id()), ("agent", Some(agent.key_id())));
        decide(&person, first.id, ApprovalDecision::Once).await;
        assert_eq!(state(&person, first.id).await, ApprovalState::Allowed);
        assert!(is_allowed(&agent, &call(SHOWN)).await);
        assert_eq!(state(&person, first.id).await, ApprovalState::Used);
        let next = waits(&agent, &call(SHOWN)).await;
        assert!(next.is_new && next.id != first.id);
        for (action, times) in [
            (Action::ApprovalRequested, 2), (Action::ApprovalDecided, 1), (Action::ApprovalUsed, 1),
        ] {
            let records = person.records(action).await;
            assert_eq!(records.len(), times, "{action}");
            assert!(records.iter().any(|record| record.subject == Some(first.id.to_string())));
            assert!(records.iter().all(|record| record.tool.as_deref() == Some("linear__create_issue")));
        }
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn what_was_allowed_is_for_that_call_only(app: App) {
        let (person, agent) = pair(&app).await;
        let other_agent = person.delegate(key("other", &[Scope::Use])).await;
        let same = || call(SHOWN);
        let others = || [
            call(r#"{"title":"Ship","count":2}"#),
            AskedCall { tool: "delete_issue".to_owned(), ..same() },
            AskedCall { server: "github".to_owned(), ..same() },
            AskedCall { definition: Some([8; 32]), ..same() },
            AskedCall { definition: None, ..same() },
        ];
        let waiting = waits(&agent, &same()).await;
        decide(&person, waiting.id, ApprovalDecision::Always).await;
        assert!(is_allowed(&agent, &same()).await && is_allowed(&agent, &same()).await);
        assert!(!is_allowed(&other_agent, &same()).await);
        // Last, as a changed tool ends what was allowed of it.
        for other in others() {
            assert!(!is_allowed(&agent, &other).await, "{} {}", other.server, other.tool);
        }
        assert!(!is_allowed(&agent, &same()).await);
        let of_another_user = app.person("bob").await;
        assert!(!is_allowed(&of_another_user, &same()).await);
    }

    async fn an_hour_is_for_any_arguments_and_ends(app: App) {
        let (person, agent) = pair(&app).await;
        let waiting = waits(&agent, &call(SHOWN)).await;
        decide(&person, waiting.id, ApprovalDecision::Hour).await;
        app.clock.advance(HOUR - 1);
        assert!(is_allowed(&agent, &call("{}")).await);
        assert!(!is_allowed(&agent, &AskedCall { tool: "delete_issue".to_owned(), ..call("{}") }).await);
        app.clock.advance(1);
        assert!(!is_allowed(&agent, &call("{}")).await);
        assert_eq!(state(&person, waiting.id).await, ApprovalState::Expired);
    }

    async fn the_first_call_opens_the_tool_but_not_where_each_must_be_allowed(app: App) {
        let (person, agent) = pair(&app).await;
        let waiting = waits(&agent, &asked(Need::First, SHOWN)).await;
        decide(&person, waiting.id, ApprovalDecision::Once).await;
        app.clock.advance(24 * HOUR);
        for _ in 0..2 {
            assert!(is_allowed(&agent, &asked(Need::First, r#"{"any":1}"#)).await);
        }
        assert!(!is_allowed(&agent, &call(SHOWN)).await);
        let other_agent = person.delegate(key("other", &[Scope::Use])).await;
        assert!(!is_allowed(&other_agent, &asked(Need::First, SHOWN)).await);
        person.vault.delete_approval(&person.caller, waiting.id).await.unwrap();
        assert!(!is_allowed(&agent, &asked(Need::First, SHOWN)).await);
        assert_eq!(person.records(Action::ApprovalDeleted).await.len(), 1);
    }

    async fn a_refusal_holds_and_a_request_that_nobody_decided_ends(app: App) {
        let (person, agent) = pair(&app).await;
        let waiting = waits(&agent, &call(SHOWN)).await;
        decide(&person, waiting.id, ApprovalDecision::Refuse).await;
        assert!(matches!(ask(&agent, &call(SHOWN)).await, Asked::Refused));
        app.clock.advance(10 * MINUTE);
        let second = waits(&agent, &call(SHOWN)).await;
        assert!(second.is_new);
        for id in [waiting.id, second.id] {
            if id == second.id {
                app.clock.advance(10 * MINUTE);
            }
            for decision in ApprovalDecision::ALL {
                let late = person.vault.decide_approval(&person.caller, id, decision).await;
                assert!(matches!(late, Err(Error::ApprovalEnded)), "{late:?}");
            }
        }
        assert_eq!(state(&person, second.id).await, ApprovalState::Expired);
        // A call that waited does not ask again, when what it waited for is gone.
        let waited = AskedCall { has_waited: true, ..call(SHOWN) };
        assert!(matches!(ask(&agent, &waited).await, Asked::NotAsked(_)));
    }

    async fn nobody_decides_about_their_own_calls_or_about_those_of_others(app: App) {
        let (person, agent) = pair(&app).await;
        let bob = app.person("bob").await;
        let waiting = waits(&agent, &call(SHOWN)).await;
        let allow = |actor: &Actor, id| {
            let (vault, caller) = (actor.vault.clone(), actor.caller.clone());
            async move { vault.decide_approval(&caller, id, ApprovalDecision::Always).await }
        };
        // A key with `use` alone neither sees nor decides.
        assert!(matches!(allow(&agent, waiting.id).await, Err(Error::Denied(Denial::MissingScope(_)))));
        assert!(matches!(agent.vault.approvals(&agent.caller, 10, 0).await, Err(Error::Denied(_))));
        assert!(matches!(agent.vault.approval(&agent.caller, waiting.id).await, Err(Error::Denied(_))));
        assert!(matches!(agent.vault.delete_approval(&agent.caller, waiting.id).await, Err(Error::Denied(_))));
        // Another user's is one that does not exist.
        assert!(matches!(allow(&bob, waiting.id).await, Err(Error::NotFound)));
        assert!(matches!(bob.vault.approval(&bob.caller, waiting.id).await, Err(Error::NotFound)));
        assert!(matches!(bob.vault.delete_approval(&bob.caller, waiting.id).await, Err(Error::NotFound)));
        assert_eq!(bob.vault.approvals(&bob.caller, 10, 0).await.unwrap().total, 0);
        // So is that of a tool which the key does not reach.
        let elsewhere = person.limited(&[Scope::Manage], &["github__*"]).await;
        assert!(matches!(allow(&elsewhere, waiting.id).await, Err(Error::NotFound)));
        assert_eq!(elsewhere.vault.approvals(&elsewhere.caller, 10, 0).await.unwrap().total, 0);
        // A key that may do both cannot allow its own calls, nor can a key that it makes.
        let both = person.delegate(key("both", &[Scope::Use, Scope::Manage])).await;
        let own = waits(&both, &call(SHOWN)).await;
        let child = both.delegate(key("child", &[Scope::Manage])).await;
        for actor in [&both, &child] {
            let refused = allow(actor, own.id).await;
            assert!(matches!(refused, Err(Error::Denied(Denial::OwnCall))), "{refused:?}");
        }
        assert!(allow(&person, own.id).await.is_ok());
    }

    async fn a_flood_of_requests_is_bounded(app: App) {
        let (person, agent) = pair(&app).await;
        for number in 0..64 {
            waits(&agent, &call(&format!("{{\"n\":{number}}}"))).await;
        }
        assert!(matches!(ask(&agent, &call(SHOWN)).await, Asked::NotAsked(_)));
        // Those that wait already still do, and others have room.
        assert!(!waits(&agent, &call("{\"n\":5}")).await.is_new);
        let other = person.delegate(key("other", &[Scope::Use])).await;
        assert!(waits(&other, &call(SHOWN)).await.is_new);
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(64 << 10));
        assert!(matches!(ask(&other, &call(&long)).await, Asked::NotAsked(_)));
        let listed = person.vault.approvals(&person.caller, 10, 60).await.unwrap();
        assert_eq!((listed.total, listed.approvals.len()), (65, 5));
        assert_eq!(app.vault.pending_approvals().await.unwrap(), 65);
        app.clock.advance(10 * MINUTE);
        assert!(waits(&agent, &call(SHOWN)).await.is_new);
    }

    async fn arguments_that_servers_read_in_different_ways_are_not_asked_about(app: App) {
        let (_, agent) = pair(&app).await;
        for arguments in [
            r#"{"n":1e400,"payment":[{"to":"mallory","to":"ann"}]}"#,
            r#"{"payment":{"to":"mallory","\u0074o":"ann"}}"#,
            r#"{"payment":{"\ud800":"mallory"}}"#,
        ] {
            assert!(matches!(ask(&agent, &call(arguments)).await, Asked::NotAsked(_)), "{arguments}");
        }
        waits(&agent, &call(r#"[{"to":"ann"},{"to":"ann"}]"#)).await;
    }

    async fn values_are_masked_and_kept_nowhere(app: App) {
        let (person, agent) = pair(&app).await;
        person.store(secret("token", "s3cr3t-value-of-ann").bound("linear__*", "key")).await;
        let shown = r#"{"note":"use s3cr3t-value-of-ann","n":1e400}"#;
        let asked = AskedCall { title: Some("Say s3cr3t-value-of-ann".to_owned()), ..call(shown) };
        let waiting = waits(&agent, &asked).await;
        let found = person.vault.approval(&person.caller, waiting.id).await.unwrap();
        assert_eq!(found.title.as_deref(), Some("Say [secret:token]"));
        assert_eq!(found.arguments, r#"{"note":"use [secret:token]","n":1e400}"#);
        let named = AskedCall { tool: "s3cr3t-value-of-ann".to_owned(), ..call("{}") };
        assert!(matches!(ask(&agent, &named).await, Asked::NotAsked(_)));
        let rows = Rows::of(&app).await;
        let stored = rows.texts("SELECT tool FROM approvals").await;
        assert_eq!(stored, ["create_issue"]);
        rows.close().await;
    }

    async fn a_row_that_was_edited_moved_or_forged_allows_nothing(app: App) {
        let (person, agent) = pair(&app).await;
        let bob = app.person("bob").await;
        let pending = waits(&agent, &call(SHOWN)).await;
        let used = waits(&agent, &call("{}")).await;
        decide(&person, used.id, ApprovalDecision::Once).await;
        assert!(is_allowed(&agent, &call("{}")).await);
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM approvals").await;
        let put_back = "DELETE FROM approvals; INSERT INTO approvals SELECT * FROM kept";
        let bobs = rows.id(bob.caller.user().0);
        let zeros = rows.bytes(&[0; 32]);
        for change in [
            "decision = 'always'".to_owned(),
            "decision = 'hour', decided_at = requested_at".to_owned(),
            "used_at = NULL".to_owned(),
            "expires_at = NULL".to_owned(),
            "expires_at = expires_at + 1".to_owned(),
            "decided_by = 'key:00000000'".to_owned(),
            "need = 'first'".to_owned(),
            "requested_at = requested_at + 1".to_owned(),
            format!("arguments = {zeros}"),
            format!("definition = {zeros}"),
            "actor = 'key:00000000'".to_owned(),
            "server = 'github'".to_owned(),
            "tool = 'delete_issue'".to_owned(),
            format!("user_id = {bobs}"),
            format!("mac = {zeros}"),
        ] {
            assert!(rows.run(&format!("UPDATE approvals SET {change}")).await > 0);
            for (actor, call) in [
                (&agent, call(SHOWN)),
                (&agent, call("{}")),
                (&agent, AskedCall { server: "github".to_owned(), ..call(SHOWN) }),
                (&agent, AskedCall { tool: "delete_issue".to_owned(), ..call(SHOWN) }),
                (&bob, call(SHOWN)),
            ] {
                let answer = actor.vault.ask_approval(&actor.caller, &call).await;
                assert!(!matches!(answer, Ok(Asked::Allowed)), "{change}");
            }
            rows.run(put_back).await;
        }
        // What a person is shown is what was asked.
        let other = "(SELECT sealed FROM kept k WHERE k.approval_id <> approvals.approval_id)";
        rows.run(&format!("UPDATE approvals SET sealed = {other}")).await;
        for id in [pending.id, used.id] {
            let found = person.vault.approval(&person.caller, id).await;
            assert!(matches!(found, Err(Error::Integrity)), "{found:?}");
            let decided = person.vault.decide_approval(&person.caller, id, ApprovalDecision::Once);
            assert!(matches!(decided.await, Err(Error::Integrity)));
        }
        rows.close().await;
    }

    async fn what_was_not_decided_is_kept_for_an_hour_and_what_was_decided_for_a_day(app: App) {
        let (person, agent) = pair(&app).await;
        let bob = app.person("bob").await;
        let refused = waits(&agent, &call("{}")).await;
        decide(&person, refused.id, ApprovalDecision::Refuse).await;
        let lasting = waits(&agent, &asked(Need::First, SHOWN)).await;
        decide(&person, lasting.id, ApprovalDecision::Once).await;
        let undecided = waits(&agent, &call(SHOWN)).await;
        let of_another = waits(&bob, &call(SHOWN)).await;
        let found = async |actor: &Actor, id| actor.vault.approval(&actor.caller, id).await.is_ok();
        for (after, refused_is_kept, undecided_is_kept) in [
            (HOUR, true, true),
            (11 * MINUTE, true, false),
            (DAY, false, false),
        ] {
            app.clock.advance(after);
            app.vault.delete_old_approvals().await.unwrap();
            assert_eq!(found(&person, refused.id).await, refused_is_kept, "{after}");
            assert_eq!(found(&person, undecided.id).await, undecided_is_kept, "{after}");
            assert_eq!(found(&bob, of_another.id).await, undecided_is_kept, "{after}");
            assert!(found(&person, lasting.id).await);
        }
    }

    async fn it_is_deleted_with_its_user(app: App) {
        let bob = app.person("bob").await;
        waits(&bob, &call(SHOWN)).await;
        let local = app.local().caller;
        app.vault.delete_user(&local, bob.caller.user()).await.unwrap();
        let rows = Rows::of(&app).await;
        assert_eq!(rows.texts("SELECT tool FROM approvals").await, Vec::<String>::new());
        rows.close().await;
    }

    async fn what_was_allowed_to_a_key_ends_with_the_key_or_one_that_it_descends_from(app: App) {
        let person = app.operator().await;
        let total = async || person.vault.approvals(&person.caller, 10, 0).await.unwrap().total;
        let scopes = [Scope::Use, Scope::Manage];
        for is_revoked in [true, false] {
            let expires_at = (!is_revoked).then(|| app.clock.now().plus(HOUR));
            let parent = person.delegate(NewKey { expires_at, ..key("parent", &scopes) }).await;
            let agent = parent.delegate(key("agent", &[Scope::Use])).await;
            let asking = waits(&agent, &call("{}")).await;
            let allowed = waits(&agent, &call(SHOWN)).await;
            decide(&person, allowed.id, ApprovalDecision::Always).await;
            let other = waits(&person, &asked(Need::First, SHOWN)).await;
            app.vault.delete_old_approvals().await.unwrap();
            assert_eq!(total().await, 3);
            if is_revoked {
                person.vault.revoke_key(&person.caller, parent.key_id()).await.unwrap();
            } else {
                app.clock.advance(HOUR);
            }
            let refused = agent.vault.recheck(&agent.caller).await;
            assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}");
            let found = async |id| person.vault.approval(&person.caller, id).await.is_ok();
            assert_eq!(total().await, usize::from(is_revoked));
            assert!(found(allowed.id).await && found(asking.id).await);
            app.vault.delete_old_approvals().await.unwrap();
            assert!(!found(allowed.id).await && found(asking.id).await && found(other.id).await);
            let withdrawn = person.vault.delete_approval(&person.caller, other.id).await;
            withdrawn.unwrap();
        }
    }

    async fn requests_for_keys_that_ended_do_not_count(app: App) {
        let person = app.operator().await;
        let parent = person.delegate(key("parent", &[Scope::Use, Scope::Manage])).await;
        for _ in 0..4 {
            let agent = parent.delegate(key("agent", &[Scope::Use])).await;
            for number in 0..64 {
                waits(&agent, &call(&format!("{{\"n\":{number}}}"))).await;
            }
        }
        let other = person.delegate(key("other", &[Scope::Use])).await;
        assert!(matches!(ask(&other, &call(SHOWN)).await, Asked::NotAsked(_)));
        person.vault.revoke_key(&person.caller, parent.key_id()).await.unwrap();
        assert!(waits(&other, &call(SHOWN)).await.is_new);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_one_uses_what_was_allowed_and_both_hear_of_it() {
    on_postgres(async |app: App| {
        let (person, agent) = pair(&app).await;
        let second = app.another(app.settings()).await;
        let there = second.sign_in(&agent.key).await;
        let mut waiting = waits(&agent, &call(SHOWN)).await;
        let joined = waits(&there, &call(SHOWN)).await;
        assert_eq!(joined.id, waiting.id);
        let person_there = second.sign_in(&person.key).await;
        decide(&person_there, waiting.id, ApprovalDecision::Once).await;
        // The other server announces it.
        waiting.changed(&agent.caller).await;
        let (here, elsewhere) = (call(SHOWN), call(SHOWN));
        let (first, second_too) =
            tokio::join!(is_allowed(&agent, &here), is_allowed(&there, &elsewhere));
        assert!(first ^ second_too);
        second.vault.close().await;
    })
    .await;
}
