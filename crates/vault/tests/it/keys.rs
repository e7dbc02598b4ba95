//! Keys: create, present, list, narrow, revoke.

use toolvault_core::audit::record::Action;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Clock as _, Denial, Error, KeyChange, KeyInfo, NewKey, OnBehalf};

use crate::harness::app::key;
use crate::harness::{App, HOUR, MINUTE, SECOND};

on_both! {
    async fn the_first_keys_do_what_they_are_for(app: App) {
        let operator = app.operator().await;
        let scopes = Scope::ALL;
        assert_eq!(operator.caller.scopes(), scopes.into_iter().collect());
        let agent = app.sign_in(&app.agent_key).await;
        assert_eq!(agent.caller.scopes(), [Scope::Use].into_iter().collect());
        assert_eq!((operator.caller.user(), agent.caller.user()), (app.user, app.user));
    }

    async fn what_is_not_exactly_a_key_is_not_accepted(app: App) {
        let issued = app.operator().await.issue(key("k", &[Scope::Manage])).await.unwrap();
        let text = issued.key.expose();
        let other = app.operator_key.as_str();
        let mixed = format!("{}{}", &text[..13], &other[13..]);
        for presented in ["", "tvk_", &text[..text.len() - 1], &format!("{text} "), &mixed, &text.to_uppercase()] {
            let refused = app.vault.authenticate_key(presented, OnBehalf::Unnamed, false).await;
            assert!(matches!(refused, Err(Error::Unauthenticated)), "{presented}");
        }
        app.sign_in(text).await;
    }

    async fn an_end_is_exact(app: App) {
        let operator = app.operator().await;
        let end = app.clock.now().plus(10 * SECOND);
        let holder = operator.delegate(NewKey { expires_at: Some(end), ..key("k", &[Scope::Manage]) }).await;
        app.clock.advance(10 * SECOND - 1);
        holder.sign_in_again().await.unwrap();
        app.clock.advance(1);
        assert!(matches!(holder.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn a_revoked_key_is_refused_with_the_next_call(app: App) {
        let operator = app.operator().await;
        let holder = operator.delegate(key("k", &[Scope::Manage])).await;
        app.vault.revoke_key(&operator.caller, holder.key_id()).await.unwrap();
        assert!(matches!(holder.sign_in_again().await, Err(Error::Unauthenticated)));
        app.vault.revoke_key(&operator.caller, holder.key_id()).await.unwrap();
        assert_eq!(operator.records(Action::KeyRevoked).await.len(), 1);
        let listed = app.vault.list_keys(&operator.caller, None).await.unwrap();
        let info = listed.iter().find(|info| info.key_id == holder.key_id()).unwrap();
        assert!(info.revoked_at.is_some());
    }

    async fn the_list_holds_ones_own_keys_oldest_first(app: App) {
        let (alice, bob) = (app.person("alice").await, app.person("bob").await);
        app.clock.advance(SECOND);
        let second = alice.delegate(key("second", &[Scope::Use])).await;
        let listed = app.vault.list_keys(&alice.caller, None).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|info| info.key_id).collect();
        assert_eq!(ids, [alice.key_id(), second.key_id()]);
        let of_bob = app.vault.list_keys(&alice.caller, Some(bob.caller.user())).await;
        assert!(matches!(of_bob, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        let revoked = app.vault.revoke_key(&alice.caller, bob.key_id()).await;
        assert!(matches!(revoked, Err(Error::NotFound)));
        let changed = app.vault.update_key(&alice.caller, bob.key_id(), KeyChange::default()).await;
        assert!(matches!(changed, Err(Error::NotFound)));
        let rotated = app.vault.rotate_key(&alice.caller, bob.key_id(), 0).await;
        assert!(matches!(rotated, Err(Error::NotFound)));
    }

    async fn a_key_can_be_renamed_narrowed_and_ended_earlier_but_not_widened(app: App) {
        let operator = app.operator().await;
        let end = app.clock.now().plus(HOUR);
        let new = NewKey { expires_at: Some(end), ..key("k", &[Scope::Manage, Scope::Resolve]) };
        let holder = operator.delegate(new).await;
        let update = |change| app.vault.update_key(&operator.caller, holder.key_id(), change);
        let narrower = KeyChange {
            name: Some("renamed".into()),
            scopes: Some([Scope::Resolve].into_iter().collect()),
            expires_at: Some(end.plus(-1)),
        };
        let info = update(narrower.clone()).await.unwrap();
        assert_eq!((info.name.as_str(), info.expires_at), ("renamed", Some(end.plus(-1))));
        assert_eq!(holder.sign_in_again().await.unwrap().caller.scopes(), info.scopes);
        let again = update(narrower).await.unwrap();
        let info = KeyInfo { last_used_at: again.last_used_at, ..info };
        assert_eq!(again, info);
        assert_eq!(operator.records(Action::KeyChanged).await.len(), 1);
        for wider in [
            KeyChange { scopes: Some([Scope::Resolve, Scope::Manage].into_iter().collect()), ..KeyChange::default() },
            KeyChange { expires_at: Some(end), ..KeyChange::default() },
            KeyChange { scopes: Some(toolvault_core::scope::ScopeSet::EMPTY), ..KeyChange::default() },
        ] {
            assert!(matches!(update(wider).await, Err(Error::Invalid(_))));
        }
    }

    async fn a_key_without_scopes_or_with_an_end_beyond_the_calendar_is_not_made(app: App) {
        let operator = app.operator().await;
        let beyond = Some(Timestamp::from_microseconds(i64::MAX));
        for new in [key("k", &[]), NewKey { expires_at: beyond, ..key("k", &[Scope::Use, Scope::Manage]) }] {
            assert!(matches!(operator.issue(new).await, Err(Error::Invalid(_))));
        }
    }

    async fn the_last_use_is_kept_to_the_minute(app: App) {
        let operator = app.operator().await;
        let holder = operator.delegate(key("k", &[Scope::Audit])).await;
        let first = app.clock.now();
        app.clock.advance(MINUTE - 1);
        holder.sign_in_again().await.unwrap();
        // The change is after the note in the queue, so it sees the note.
        let last_use = || async {
            let change = KeyChange { name: Some(app.clock.now().to_string()), ..KeyChange::default() };
            app.vault.update_key(&operator.caller, operator.key_id(), change).await.unwrap();
            let listed = app.vault.list_keys(&operator.caller, None).await.unwrap();
            listed.iter().find(|info| info.key_id == holder.key_id()).unwrap().last_used_at
        };
        assert_eq!(last_use().await, Some(first));
        app.clock.advance(1);
        holder.sign_in_again().await.unwrap();
        assert_eq!(last_use().await, Some(first.plus(MINUTE)));
    }
}
