//! Pins of tools: the first definition stays, a change is noted, and an administrator accepts it.

use toolvault_core::audit::record::Action;
use toolvault_core::digest::sha256;
use toolvault_core::scope::Scope;
use toolvault_vault::{Error, SeenTool, ToolPin};

use crate::harness::app::key;
use crate::harness::databases::on_postgres;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

const MINUTE: i64 = 60_000_000;

fn seen(name: &str, definition: &str) -> SeenTool {
    SeenTool {
        name: name.to_owned(),
        hash: sha256(definition.as_bytes()),
        definition: Some(definition.to_owned()),
    }
}

async fn note(actor: &Actor, tools: &[(&str, &str)]) -> Vec<ToolPin> {
    let tools = tools
        .iter()
        .map(|(name, definition)| seen(name, definition));
    let noted = actor
        .vault
        .note_tools(&actor.caller, "files", tools.collect());
    noted.await.unwrap()
}

async fn records(app: &App, action: Action) -> usize {
    app.operator().await.records(action).await.len()
}

on_both! {
    async fn the_first_definition_stays_until_an_administrator_accepts_another(app: App) {
        let ann = app.person("ann").await;
        let pins = note(&ann, &[("b", "one"), ("a", "one")]).await;
        let names: Vec<_> = pins.iter().map(|pin| pin.tool.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!((pins[0].hash, pins[0].change), (sha256(b"one"), None));
        assert_eq!(note(&ann, &[("a", "one")]).await, pins);
        app.clock.advance(MINUTE);
        let changed = note(&ann, &[("a", "two")]).await;
        let change = changed[0].change.unwrap();
        assert_eq!((changed[0].hash, change.hash), (pins[0].hash, sha256(b"two")));
        assert_eq!(change.seen_at, changed[0].pinned_at.plus(MINUTE));
        // A server that changes all the time costs at most one write in a minute, and one record.
        assert_eq!(note(&ann, &[("a", "three")]).await, changed);
        app.clock.advance(MINUTE);
        let later = note(&ann, &[("a", "three")]).await;
        assert_eq!(later[0].change.unwrap().hash, sha256(b"three"));
        let operator = app.operator().await;
        let local = app.local().caller;
        let accept = |hash: &[u8]| app.vault.accept_tool(&local, "files", "a", sha256(hash));
        let refused = accept(b"two").await;
        assert!(matches!(refused, Err(Error::PreconditionFailed)), "{refused:?}");
        let listed = app.vault.list_tool_pins(&local, "files").await.unwrap();
        assert_eq!(listed, later);
        let texts = app.vault.pinned_texts(&local, "files", &listed).await.unwrap();
        let texts: Vec<_> = texts.iter().map(|of| (of.pinned.as_deref(), of.changed.as_deref())).collect();
        assert_eq!(texts, [(Some("one"), Some("three")), (Some("one"), None)]);
        let (pin, of) = app.vault.tool_pin(&ann.caller, "files", "a").await.unwrap().unwrap();
        assert_eq!((pin, of.pinned.as_deref(), of.changed.as_deref()), (later[0].clone(), Some("one"), Some("three")));
        for (server, tool) in [("files", "c"), ("other", "a")] {
            assert_eq!(app.vault.tool_pin(&ann.caller, server, tool).await.unwrap(), None);
        }
        let names = app.vault.pinned_names(&local).await.unwrap();
        assert_eq!(names, ["a", "b"].map(|tool| ("files".to_owned(), tool.to_owned())));
        let accepted = accept(b"three").await.unwrap();
        assert_eq!((accepted.hash, accepted.change), (sha256(b"three"), None));
        assert_eq!(note(&ann, &[("a", "three")]).await[0], accepted);
        let refused = accept(b"three").await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
        // Another process reads the same.
        let app = app.reopen().await;
        assert_eq!(note(&app.person("eve").await, &[]).await[0], accepted);
        drop(operator);
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        app.vault.close().await;
    }

    async fn a_tool_that_changed_back_is_noted_after_a_minute_and_its_next_change_at_once(app: App) {
        let ann = app.person("ann").await;
        note(&ann, &[("a", "one")]).await;
        let local = app.local().caller;
        for _ in 0..2 {
            let changed = note(&ann, &[("a", "two")]).await;
            assert_eq!((changed[0].change.unwrap().hash, changed[0].is_back()), (sha256(b"two"), false));
            assert_eq!(note(&ann, &[("a", "one")]).await, changed);
            app.clock.advance(MINUTE);
            let back = note(&ann, &[("a", "one")]).await;
            assert!(back[0].is_back() && back[0].hash == sha256(b"one"));
            assert_eq!(note(&ann, &[("a", "one")]).await, back);
            for hash in [b"one", b"two"] {
                let refused = app.vault.accept_tool(&local, "files", "a", sha256(hash)).await;
                assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
            }
        }
        assert_eq!(records(&app, Action::ToolChanged).await, 1);
    }

    async fn each_step_is_recorded_once(app: App) {
        let operator = app.operator().await;
        let agent = operator.delegate(key("agent", &[Scope::Use])).await;
        note(&agent, &[("a", "one"), ("b", "one")]).await;
        note(&agent, &[("a", "two"), ("b", "one")]).await;
        note(&agent, &[("a", "two"), ("b", "one")]).await;
        let accepted = operator.vault.accept_tool(&operator.caller, "files", "a", sha256(b"two"));
        accepted.await.unwrap();
        for (action, times) in [(Action::ToolPinned, 2), (Action::ToolChanged, 1), (Action::ToolAccepted, 1)] {
            assert_eq!(records(&app, action).await, times, "{action}");
        }
        let record = operator.records(Action::ToolAccepted).await.remove(0);
        assert_eq!(record.tool.as_deref(), Some("files__a"));
        let hash = toolvault_core::digest::hexadecimal(&sha256(b"two"));
        assert_eq!(record.reason, Some(format!("sha256:{hash}")));
        assert_eq!(record.actor, operator.caller.actor().to_string());
    }

    async fn rights_are_needed(app: App) {
        let operator = app.operator().await;
        let other = operator.delegate(key("other", &[Scope::Manage])).await;
        let refused = other.vault.note_tools(&other.caller, "files", vec![seen("a", "one")]).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = other.vault.tool_pins(&other.caller, "files").await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = other.vault.tool_pin(&other.caller, "files", "a").await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let agent = operator.delegate(key("agent", &[Scope::Use])).await;
        note(&agent, &[("a", "one")]).await;
        note(&agent, &[("a", "two")]).await;
        let refused = agent.vault.accept_tool(&agent.caller, "files", "a", sha256(b"two")).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = agent.vault.list_tool_pins(&agent.caller, "files").await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = other.vault.pinned_texts(&other.caller, "files", &[]).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = other.vault.pinned_names(&other.caller).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }

    async fn pins_that_were_read_before_a_change_was_accepted_are_old(app: App) {
        let operator = app.operator().await;
        note(&operator, &[("a", "one")]).await;
        note(&operator, &[("a", "two")]).await;
        // On PostgreSQL there is none until the channel is known to work.
        let stamp = loop {
            if let Some(stamp) = app.vault.pins_stamp() {
                break stamp;
            }
            tokio::task::yield_now().await;
        };
        let accepted = operator.vault.accept_tool(&operator.caller, "files", "a", sha256(b"two"));
        accepted.await.unwrap();
        assert_ne!(app.vault.pins_stamp(), Some(stamp));
    }

    async fn a_row_that_was_changed_or_moved_is_found(app: App) {
        let ann = app.person("ann").await;
        note(&ann, &[("a", "one"), ("b", "other")]).await;
        app.clock.advance(MINUTE);
        note(&ann, &[("a", "two")]).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM tool_pins").await;
        let zeros = rows.bytes(&[0; 32]);
        let put_back = "DELETE FROM tool_pins; INSERT INTO tool_pins SELECT * FROM kept";
        for change in [
            format!("hash = {zeros}"),
            "hash = changed_hash".to_owned(),
            "pinned_at = pinned_at + 1".to_owned(),
            "changed_hash = NULL".to_owned(),
            "changed_at = changed_at + 1".to_owned(),
            "server = 'other'".to_owned(),
            "tool = 'c'".to_owned(),
            format!("mac = {zeros}"),
        ] {
            assert!(rows.run(&format!("UPDATE tool_pins SET {change} WHERE tool = 'a'")).await > 0);
            for server in ["files", "other"] {
                let found = app.vault.tool_pins(&ann.caller, server).await;
                let is_elsewhere = (server == "other") != change.starts_with("server");
                assert_eq!(matches!(found, Err(Error::Integrity)), !is_elsewhere, "{change}");
            }
            rows.run(put_back).await;
        }
        // The texts that an operator reads are those of the hashes.
        let local = app.local().caller;
        let pins = app.vault.list_tool_pins(&local, "files").await.unwrap();
        let texts = || app.vault.pinned_texts(&local, "files", &pins);
        for column in ["definition", "changed_definition"] {
            rows.run(&format!("UPDATE tool_pins SET {column} = 'harmless' WHERE tool = 'a'")).await;
            let found = texts().await;
            assert!(matches!(found, Err(Error::Integrity)), "{found:?}");
            let found = app.vault.tool_pin(&ann.caller, "files", "a").await;
            assert!(matches!(found, Err(Error::Integrity)), "{found:?}");
            rows.run(put_back).await;
        }
        texts().await.unwrap();
        // A pin that was deleted is one that is seen for the first time: the trail has two such records then.
        rows.run("DELETE FROM tool_pins WHERE tool = 'a'").await;
        note(&ann, &[("a", "two")]).await;
        let pinned = ann.records(Action::ToolPinned).await;
        let pinned = pinned.iter().filter(|record| record.tool.as_deref() == Some("files__a"));
        assert_eq!(pinned.count(), 2);
        rows.close().await;
    }

    async fn a_name_that_holds_a_value_is_not_pinned(app: App) {
        let ann = app.person("ann").await;
        let value = "a value that is secret";
        ann.store(secret("s", value).default_for("files__a", "k")).await;
        let name = format!("x{value}");
        assert_eq!(note(&ann, &[(&name, "one"), ("a", "one")]).await.len(), 1);
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT COUNT(*) FROM tool_pins").await, 1);
        rows.close().await;
    }

    async fn a_server_has_a_limit_of_pins(app: App) {
        let ann = app.person("ann").await;
        let tools: Vec<SeenTool> = (0..10_010).map(|at| seen(&format!("t{at:05}"), "one")).collect();
        let pins = ann.vault.note_tools(&ann.caller, "files", tools).await.unwrap();
        assert_eq!(pins.len(), 10_000);
        assert_eq!(note(&ann, &[("another", "one")]).await.len(), 10_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_pin_the_same_tools_at_once_agree() {
    on_postgres(|one: App| async move {
        let two = one.another(one.settings()).await;
        let (here, there) = (one.operator().await, two.operator().await);
        for round in 0..20 {
            let server = format!("s{round}");
            let tools = |definition| (0..40).map(move |at| seen(&format!("t{at:02}"), definition));
            let (first, second) = tokio::join!(
                here.vault
                    .note_tools(&here.caller, &server, tools("one").collect()),
                // In another order.
                there
                    .vault
                    .note_tools(&there.caller, &server, tools("two").rev().collect()),
            );
            let hashes = |pins: &[ToolPin]| pins.iter().map(|pin| pin.hash).collect::<Vec<_>>();
            let agreed = hashes(&first.unwrap());
            assert_eq!(agreed, hashes(&second.unwrap()));
            assert_eq!(agreed.len(), 40);
            // Who lost notes the change when it lists the tools again.
            let pins = here
                .vault
                .note_tools(&here.caller, &server, tools("one").collect());
            pins.await.unwrap();
            let pins = there
                .vault
                .note_tools(&there.caller, &server, tools("two").collect());
            let pins = pins.await.unwrap();
            assert_eq!(hashes(&pins), agreed);
            assert!(
                pins.iter()
                    .all(|pin| pin.change.is_some_and(|change| change.hash != pin.hash))
            );
        }
        assert_eq!(records(&one, Action::ToolPinned).await, 20 * 40);
        assert_eq!(records(&one, Action::ToolChanged).await, 20 * 40);
        two.vault.close().await;
    })
    .await;
}
