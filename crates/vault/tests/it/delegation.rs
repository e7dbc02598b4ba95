//! Keys created with keys: never more rights than the creator, at creation and at use.

use toolvault_core::scope::Scope;
use toolvault_vault::{
    Clock as _, Denial, Error, KeyChange, NewKey, OnBehalf, SessionLimits, UserChange,
};

use crate::harness::actor::{any_record, pattern};
use crate::harness::app::key;
use crate::harness::{Actor, App, HOUR, SECOND, secret};

fn exceeds<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Denied(Denial::ExceedsCreator(_))))
}

/// A key that acts for any user, created at the command line.
async fn platform(app: &App) -> String {
    let new = NewKey {
        any_user: true,
        expires_at: Some(app.clock.now().plus(HOUR)),
        ..key("platform", &[Scope::Manage, Scope::Resolve])
    };
    let local = app.local();
    app.vault
        .create_key(&local.caller, new)
        .await
        .unwrap()
        .key
        .expose()
        .to_owned()
}

async fn acting(app: &App, key: &str, user: &Actor) -> Result<Actor, Error> {
    let on_behalf = OnBehalf::User(user.caller.user());
    let caller = app.vault.authenticate_key(key, on_behalf, false).await?;
    Ok(Actor::new(app, caller, key.to_owned()))
}

on_both! {
    async fn a_child_has_no_right_and_no_hour_that_its_maker_lacks(app: App) {
        let operator = app.operator().await;
        let end = app.clock.now().plus(HOUR);
        let maker = operator.delegate(NewKey { expires_at: Some(end), ..key("m", &[Scope::Manage]) }).await;
        for scope in [Scope::Use, Scope::Resolve, Scope::Audit, Scope::Admin] {
            assert!(exceeds(&maker.issue(key("k", &[Scope::Manage, scope])).await));
        }
        assert!(exceeds(&maker.issue(NewKey { expires_at: Some(end.plus(1)), ..key("k", &[Scope::Manage]) }).await));
        assert!(exceeds(&maker.issue(NewKey { any_user: true, ..key("k", &[Scope::Manage]) }).await));
        let child = maker.issue(key("k", &[Scope::Manage])).await.unwrap();
        assert_eq!(child.info.expires_at, Some(end));
        let without = operator.delegate(key("r", &[Scope::Resolve])).await;
        let refused = without.issue(key("k", &[Scope::Resolve])).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Manage)))));
    }

    async fn a_limited_key_manages_no_keys(app: App) {
        let operator = app.operator().await;
        let limited = operator.limited(&[Scope::Manage, Scope::Admin], &["t*"]).await;
        let (vault, caller) = (&app.vault, &limited.caller);
        let id = limited.key_id();
        for refused in [
            limited.issue(key("k", &[Scope::Manage])).await.err(),
            vault.list_keys(caller, None).await.err(),
            vault.update_key(caller, id, KeyChange::default()).await.err(),
            vault.rotate_key(caller, id, 0).await.err(),
            vault.revoke_key(caller, id).await.err(),
        ] {
            assert!(matches!(refused, Some(Error::Denied(Denial::LimitedKeyManagesKeys))));
        }
    }

    async fn a_limited_key_administers_nothing(app: App) {
        let operator = app.operator().await;
        let limited = operator.limited(&[Scope::Manage, Scope::Admin], &["t*"]).await;
        let (vault, caller, user) = (&app.vault, &limited.caller, operator.caller.user());
        for refused in [
            vault.create_user(caller, "ann").await.err(),
            vault.list_users(caller, None).await.err(),
            vault.update_user(caller, user, UserChange::default()).await.err(),
            vault.delete_user(caller, user).await.err(),
            vault.diagnose(caller).await.err(),
        ] {
            assert!(matches!(refused, Some(Error::Denied(Denial::LimitedKeyAdministers))));
        }
        let refused = vault.list_audit(caller, &any_record()).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Audit)))));
    }

    async fn the_end_of_a_maker_ends_its_children(app: App) {
        let operator = app.operator().await;
        let maker = operator.delegate(key("m", &[Scope::Manage, Scope::Resolve])).await;
        let child = maker.delegate(key("c", &[Scope::Manage, Scope::Resolve])).await;
        let grandchild = child.delegate(key("g", &[Scope::Resolve])).await;
        let narrower = KeyChange { scopes: Some([Scope::Manage].into_iter().collect()), ..KeyChange::default() };
        app.vault.update_key(&operator.caller, maker.key_id(), narrower).await.unwrap();
        let again = child.sign_in_again().await.unwrap();
        assert_eq!(again.caller.scopes(), [Scope::Manage].into_iter().collect());
        assert!(grandchild.sign_in_again().await.unwrap().caller.scopes().is_empty());
        let listed = async |key: &Actor| {
            let keys = app.vault.list_keys(&operator.caller, None).await.unwrap();
            keys.into_iter().find(|info| info.key_id == key.key_id()).unwrap()
        };
        assert_eq!(listed(&child).await.scopes, [Scope::Manage].into_iter().collect());
        assert!(listed(&grandchild).await.scopes.is_empty());
        assert_eq!(listed(&grandchild).await.revoked_at, None);
        app.vault.revoke_key(&operator.caller, maker.key_id()).await.unwrap();
        let ended = listed(&maker).await.revoked_at;
        assert!(ended.is_some());
        assert_eq!(listed(&grandchild).await.revoked_at, ended);
        for ended in [&maker, &child, &grandchild] {
            assert!(matches!(ended.sign_in_again().await, Err(Error::Unauthenticated)));
        }
        operator.sign_in_again().await.unwrap();
    }

    async fn a_makers_end_brought_forward_ends_its_children(app: App) {
        let operator = app.operator().await;
        let maker = operator.delegate(key("m", &[Scope::Manage])).await;
        let later = NewKey { expires_at: Some(app.clock.now().plus(HOUR)), ..key("c", &[Scope::Manage]) };
        let child = maker.delegate(later).await;
        let end = Some(app.clock.now().plus(SECOND));
        let soon = KeyChange { expires_at: end, ..KeyChange::default() };
        app.vault.update_key(&operator.caller, maker.key_id(), soon).await.unwrap();
        let again = child.sign_in_again().await.unwrap();
        assert_eq!(again.caller.expires_at(), end);
        let keys = app.vault.list_keys(&operator.caller, None).await.unwrap();
        assert!(keys.iter().any(|info| info.key_id == child.key_id() && info.expires_at == end));
        app.clock.advance(SECOND);
        assert!(matches!(child.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn keys_descend_from_each_other_only_so_deeply(app: App) {
        let mut maker = app.operator().await;
        let mut depth = 0;
        let refused = loop {
            match maker.issue(key("deeper", &[Scope::Manage])).await {
                Ok(issued) => maker = app.sign_in(issued.key.expose()).await,
                Err(error) => break error,
            }
            depth += 1;
            assert!(depth < 20);
        };
        assert!(exceeds::<()>(&Err(refused)));
        assert_eq!(depth, 8);
    }

    async fn an_administrator_makes_no_key_that_receives_anothers_values(app: App) {
        let operator = app.operator().await;
        let alice = app.person("alice").await;
        for scope in [Scope::Use, Scope::Resolve] {
            let new = NewKey { user: Some(alice.caller.user()), ..key("k", &[scope]) };
            assert!(exceeds(&operator.issue(new).await));
        }
        let new = NewKey { user: Some(alice.caller.user()), ..key("k", &[Scope::Manage]) };
        let manager = operator.delegate(new).await;
        assert_eq!(manager.caller.user(), alice.caller.user());
        assert!(exceeds(&manager.issue(key("k", &[Scope::Resolve])).await));
        let bob = app.person("bob").await;
        let new = NewKey { user: Some(alice.caller.user()), ..key("k", &[Scope::Manage]) };
        let refused = bob.issue(new).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        app.vault.revoke_key(&operator.caller, alice.key_id()).await.unwrap();
        assert!(matches!(alice.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn a_platform_acts_for_exactly_the_user_it_names(app: App) {
        let (alice, bob) = (app.person("alice").await, app.person("bob").await);
        let platform = platform(&app).await;
        acting(&app, &platform, &alice).await.unwrap().store(secret("s", "the value")).await;
        assert_eq!(alice.list().await.len(), 1);
        assert!(bob.list().await.is_empty());
        for unclear in [OnBehalf::Unnamed, OnBehalf::Unclear] {
            let refused = app.vault.authenticate_key(&platform, unclear, false).await;
            assert!(matches!(refused, Err(Error::Denied(Denial::UserNotNamed))));
        }
        let unclear = app.vault.authenticate_key(&platform, OnBehalf::Unclear, true).await;
        assert!(matches!(unclear, Err(Error::Denied(Denial::UserNotNamed))));
        // A session of it could not be ended with those of a user.
        let limits = SessionLimits { idle: SECOND, total: SECOND };
        let refused = app.vault.begin_session(&platform, limits).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::UserNotNamed))));
        for on_behalf in [OnBehalf::User(bob.caller.user()), OnBehalf::Unclear] {
            let refused = app.vault.authenticate_key(&alice.key, on_behalf, false).await;
            assert!(matches!(refused, Err(Error::Denied(Denial::NotAnyUser))));
        }
    }

    async fn a_platform_makes_short_lived_keys_for_its_users(app: App) {
        let alice = app.person("alice").await;
        let platform_key = platform(&app).await;
        let caller = app.vault.authenticate_key(&platform_key, OnBehalf::Unnamed, true).await.unwrap();
        let caller = caller.acting_for(Some(alice.caller.user())).unwrap();
        let platform = Actor::new(&app, caller, platform_key.clone());
        let end = Some(app.clock.now().plus(SECOND));
        let new = NewKey { expires_at: end, tools: vec![pattern("t*")], ..key("agent", &[Scope::Resolve]) };
        let agent = platform.delegate(new).await;
        assert_eq!(agent.caller.user(), alice.caller.user());
        app.clock.advance(SECOND);
        assert!(matches!(agent.sign_in_again().await, Err(Error::Unauthenticated)));
        let local = app.local();
        let endless = NewKey { any_user: true, ..key("p", &[Scope::Manage]) };
        assert!(matches!(local.issue(endless).await, Err(Error::Invalid(_))));
        let admin = NewKey { any_user: true, expires_at: end, ..key("p", &[Scope::Admin]) };
        assert!(exceeds(&local.issue(admin).await));
    }

    async fn a_platform_ends_with_its_owner_and_serves_no_disabled_user(app: App) {
        let (alice, owner) = (app.person("alice").await, app.person("owner").await);
        let local = app.local();
        let new = NewKey {
            any_user: true,
            user: Some(owner.caller.user()),
            expires_at: Some(app.clock.now().plus(HOUR)),
            ..key("platform", &[Scope::Manage, Scope::Resolve])
        };
        let platform = local.issue(new).await.unwrap().key.expose().to_owned();
        let set = |user: &Actor, is_disabled| {
            let change = UserChange { disabled: Some(is_disabled), ..UserChange::default() };
            let (local, user) = (local.clone(), user.caller.user());
            async move { local.vault.update_user(&local.caller, user, change).await.unwrap() }
        };
        let child = acting(&app, &platform, &alice).await.unwrap().delegate(key("c", &[Scope::Resolve])).await;
        set(&alice, true).await;
        let refused = acting(&app, &platform, &alice).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::UserUnavailable))));
        set(&alice, false).await;
        set(&owner, true).await;
        assert!(matches!(acting(&app, &platform, &alice).await, Err(Error::Unauthenticated)));
        assert!(matches!(child.sign_in_again().await, Err(Error::Unauthenticated)));
        set(&owner, false).await;
        child.sign_in_again().await.unwrap();
        app.vault.delete_user(&local.caller, owner.caller.user()).await.unwrap();
        assert!(matches!(child.sign_in_again().await, Err(Error::Unauthenticated)));
    }
}
