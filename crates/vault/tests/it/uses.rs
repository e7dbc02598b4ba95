//! When secrets were used, and how often on each day.

use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, LastUse};

use crate::harness::app::key;
use crate::harness::{App, DAY, NewSecretExt as _, secret};

on_both! {
    async fn the_uses_of_each_secret_are_counted_by_day_and_the_latest_is_first(app: App) {
        let ann = app.person("ann").await;
        let first = ann.store(secret("first", "first-value").default_for("one", "api_token")).await;
        let second = ann.store(secret("second", "second-value").default_for("two*", "api_token")).await;
        let unused = ann.store(secret("unused", "third-value")).await;
        let bea = app.person("bea").await;
        bea.store(secret("hers", "hers-value").default_for("one", "api_token")).await;
        bea.token("one").await;
        ann.token("two").await;
        app.clock.advance(29 * DAY);
        ann.token("one").await;
        ann.token("one").await;
        let last = app.clock.now();
        app.clock.advance(1);
        ann.token("two_b").await;
        let uses = app.vault.secret_uses(&ann.caller).await.unwrap();
        let ids: Vec<_> = uses.secrets.iter().map(|used| used.secret_id).collect();
        assert_eq!(ids, [second.secret_id, first.secret_id, unused.secret_id]);
        let [second, first, unused] = &uses.secrets[..] else { panic!("{uses:?}") };
        let actor = ann.caller.actor().to_string();
        let tool = Some("one".to_owned());
        assert_eq!(first.last, Some(LastUse { at: last, tool, actor }));
        assert_eq!(second.last.as_ref().unwrap().tool.as_deref(), Some("two_b"));
        assert_eq!((&unused.last, unused.days.iter().sum::<i64>()), (&None, 0));
        assert_eq!((first.days.len(), first.days[29], first.days[0]), (30, 2, 0));
        assert_eq!((second.days[29], second.days[0]), (1, 1));
        // A day later the first day is out of the window.
        app.clock.advance(DAY);
        let uses = app.vault.secret_uses(&ann.caller).await.unwrap();
        assert_eq!(uses.secrets[0].days.iter().sum::<i64>(), 1);
        assert_eq!(uses.secrets[1].days[28], 2);
        assert!(uses.since <= app.clock.now().plus(-29 * DAY));
    }

    async fn the_counts_are_complete_from_the_end_of_what_was_pruned(app: App) {
        let ann = app.person("ann").await;
        ann.store(secret("s", "the value").default_for("one", "api_token")).await;
        ann.token("one").await;
        app.clock.advance(40 * DAY);
        let first_day = app.clock.now().plus(-29 * DAY);
        let whole = app.vault.secret_uses(&ann.caller).await.unwrap().since;
        assert!(whole <= first_day && whole > first_day.plus(-DAY), "{whole}");
        ann.token("one").await;
        app.vault.secret_uses(&ann.caller).await.unwrap();
        let used_at = app.clock.now();
        let prune = async |before| app.vault.prune_audit(&app.local().caller, before).await.unwrap();
        // What was pruned is older than the 30 days.
        app.clock.advance(2 * DAY);
        let pruned = prune(used_at.plus(-DAY)).await;
        assert!(pruned.pages > 0);
        let uses = app.vault.secret_uses(&ann.caller).await.unwrap();
        assert_eq!(uses.secrets[0].days.iter().sum::<i64>(), 1);
        assert_eq!(uses.since, used_at);
        // The only use is pruned.
        let pruned = prune(used_at.plus(DAY)).await;
        assert!(pruned.pages > 0);
        let uses = app.vault.secret_uses(&ann.caller).await.unwrap();
        assert_eq!((&uses.secrets[0].last, uses.since), (&None, app.clock.now()));
        // Once that is older than the 30 days, they are complete.
        app.clock.advance(40 * DAY);
        let first_day = app.clock.now().plus(-29 * DAY);
        assert!(app.vault.secret_uses(&ann.caller).await.unwrap().since <= first_day);
    }

    async fn each_secret_has_its_current_version_and_a_deleted_one_has_none(app: App) {
        let ann = app.person("ann").await;
        let replaced = ann.store(secret("replaced", "first-value").default_for("one", "api_token")).await;
        let deleted = ann.store(secret("deleted", "other-value").default_for("two", "api_token")).await;
        ann.token("one").await;
        ann.token("two").await;
        ann.set_value(replaced.secret_id, "second-value").await;
        ann.delete(deleted.secret_id).await.unwrap();
        let uses = app.vault.secret_uses(&ann.caller).await.unwrap();
        let found: Vec<_> = uses.secrets.iter().map(|used| (used.secret_id, used.version)).collect();
        assert_eq!(found, [(deleted.secret_id, None), (replaced.secret_id, Some(2))]);
    }

    async fn a_key_sees_only_uses_for_its_tools(app: App) {
        let ann = app.person("ann").await;
        let seen = ann.store(secret("seen", "first-value").default_for("one", "api_token")).await;
        ann.store(secret("unseen", "second-value").default_for("two", "api_token")).await;
        ann.token("one").await;
        ann.token("two").await;
        let limited = ann.limited(&[Scope::Manage], &["one"]).await;
        let uses = app.vault.secret_uses(&limited.caller).await.unwrap();
        let ids: Vec<_> = uses.secrets.iter().map(|used| used.secret_id).collect();
        assert_eq!(ids, [seen.secret_id]);
        let agent = ann.delegate(key("agent", &[Scope::Use])).await;
        let refused = app.vault.secret_uses(&agent.caller).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(_)))), "{refused:?}");
    }
}
