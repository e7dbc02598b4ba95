//! Whether a caller who was authenticated earlier may still act.

use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{
    Caller, Changed, Clock as _, Error, KeyChange, NewKey, OnBehalf, Token, UserChange,
};
use uuid::Uuid;

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, HOUR, SECOND};

async fn may(actor: &Actor) -> bool {
    may_act(actor, &actor.caller).await
}

async fn may_act(actor: &Actor, caller: &Caller) -> bool {
    match actor.vault.recheck(caller).await {
        Ok(()) => true,
        Err(Error::Unauthenticated) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn set_disabled(app: &App, user: UserId, is_disabled: bool) {
    let change = UserChange {
        disabled: Some(is_disabled),
        ..UserChange::default()
    };
    let local = app.local();
    app.vault
        .update_user(&local.caller, user, change)
        .await
        .unwrap();
}

fn token(user: u128, expires_at: Timestamp) -> Token {
    Token {
        issuer: "i".to_owned(),
        subject: "s".to_owned(),
        user: UserId(Uuid::from_u128(user)),
        scopes: [Scope::Use].into_iter().collect(),
        create_user: true,
        expires_at,
    }
}

on_both! {
    async fn a_revoked_key_and_what_descends_from_it_may_not(app: App) {
        let ann = app.person("ann").await;
        let child = ann.delegate(key("c", &[Scope::Manage, Scope::Use])).await;
        let grandchild = child.delegate(key("g", &[Scope::Use])).await;
        assert!(may(&ann).await && may(&child).await && may(&grandchild).await);
        app.vault.revoke_key(&ann.caller, child.key_id()).await.unwrap();
        assert!(may(&ann).await && !may(&child).await && !may(&grandchild).await);
        assert!(grandchild.caller.is_concerned_by(Changed::Key(child.key_id())));
        assert!(!ann.caller.is_concerned_by(Changed::Key(child.key_id())));
    }

    async fn a_key_ends_when_its_time_is_over(app: App) {
        let ann = app.person("ann").await;
        let end = app.clock.now().plus(SECOND);
        let brief = ann.delegate(NewKey { expires_at: Some(end), ..key("b", &[Scope::Use]) }).await;
        assert_eq!(brief.caller.expires_at(), Some(end));
        app.clock.advance(SECOND - 1);
        assert!(may(&brief).await);
        app.clock.advance(1);
        assert!(!may(&brief).await && may(&ann).await);
    }

    async fn a_narrowed_key_may_not_but_may_come_again(app: App) {
        let ann = app.person("ann").await;
        let maker = ann.delegate(key("m", &[Scope::Manage, Scope::Use])).await;
        let child = maker.delegate(key("c", &[Scope::Use])).await;
        let end = app.clock.now().plus(HOUR);
        for change in [
            KeyChange { expires_at: Some(end), ..KeyChange::default() },
            KeyChange { scopes: Some([Scope::Manage].into_iter().collect()), ..KeyChange::default() },
        ] {
            let (before, child_before) = (maker.sign_in_again().await.unwrap(), child.sign_in_again().await.unwrap());
            assert!(may(&before).await && may(&child_before).await);
            app.vault.update_key(&ann.caller, maker.key_id(), change).await.unwrap();
            assert!(!may(&before).await && !may(&child_before).await);
            assert!(may(&maker.sign_in_again().await.unwrap()).await);
            assert!(may(&child.sign_in_again().await.unwrap()).await);
        }
        // A new name narrows nothing.
        let again = maker.sign_in_again().await.unwrap();
        let rename = KeyChange { name: Some("other".into()), ..KeyChange::default() };
        app.vault.update_key(&ann.caller, maker.key_id(), rename).await.unwrap();
        assert!(may(&again).await);
    }

    async fn a_rotated_key_may_not_once_it_ends_sooner(app: App) {
        let ann = app.person("ann").await;
        let (at_once, later) = (ann.delegate(key("a", &[Scope::Use])).await, ann.delegate(key("b", &[Scope::Use])).await);
        app.vault.rotate_key(&ann.caller, at_once.key_id(), 0).await.unwrap();
        assert!(!may(&at_once).await);
        app.vault.rotate_key(&ann.caller, later.key_id(), 60).await.unwrap();
        assert!(!may(&later).await);
        assert!(may(&later.sign_in_again().await.unwrap()).await);
        app.clock.advance(60 * SECOND);
        assert!(later.sign_in_again().await.is_err());
    }

    async fn a_disabled_or_deleted_user_may_not(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let limited = ann.limited(&[Scope::Use], &["linear__*"]).await;
        assert!(may(&limited).await);
        set_disabled(&app, ann.caller.user(), true).await;
        assert!(!may(&ann).await && !may(&limited).await && may(&bob).await);
        set_disabled(&app, ann.caller.user(), false).await;
        assert!(may(&ann).await && may(&limited).await);
        let local = app.local();
        app.vault.delete_user(&local.caller, ann.caller.user()).await.unwrap();
        assert!(!may(&ann).await && !may(&limited).await && may(&bob).await);
        assert!(may(&local).await);
    }

    async fn a_platform_may_while_it_its_owner_and_the_user_may(app: App) {
        let (ann, owner) = (app.person("ann").await, app.person("owner").await);
        let new = NewKey {
            any_user: true,
            user: Some(owner.caller.user()),
            expires_at: Some(app.clock.now().plus(HOUR)),
            ..key("platform", &[Scope::Manage, Scope::Use])
        };
        let platform = app.local().issue(new).await.unwrap().key.expose().to_owned();
        let for_ann = OnBehalf::User(ann.caller.user());
        let caller = app.vault.authenticate_key(&platform, for_ann, false).await.unwrap();
        let acting = Actor::new(&app, caller, platform);
        let child = acting.delegate(key("c", &[Scope::Use])).await;
        assert_eq!(child.caller.user(), ann.caller.user());
        for user in [ann.caller.user(), owner.caller.user()] {
            assert!(may(&acting).await && may(&child).await);
            set_disabled(&app, user, true).await;
            assert!(!may(&acting).await && !may(&child).await);
            for caller in [&acting.caller, &child.caller] {
                assert!(caller.is_concerned_by(Changed::User(user)));
            }
            set_disabled(&app, user, false).await;
        }
        assert!(!child.caller.is_concerned_by(Changed::User(app.user)));
        assert!(child.caller.is_concerned_by(Changed::All));
        app.vault.revoke_key(&owner.caller, acting.key_id()).await.unwrap();
        assert!(!may(&acting).await && !may(&child).await && may(&ann).await);
    }

    async fn a_token_may_until_it_ends_and_its_user_does(app: App) {
        let end = app.clock.now().plus(HOUR);
        let caller = app.vault.authenticate_token(token(1, end)).await.unwrap();
        let local = app.local();
        assert_eq!(caller.expires_at(), Some(end));
        assert!(may_act(&local, &caller).await);
        set_disabled(&app, caller.user(), true).await;
        assert!(!may_act(&local, &caller).await);
        set_disabled(&app, caller.user(), false).await;
        assert!(may_act(&local, &caller).await);
        app.clock.advance(HOUR);
        assert!(!may_act(&local, &caller).await);
        app.clock.advance(-HOUR);
        app.vault.delete_user(&local.caller, caller.user()).await.unwrap();
        assert!(!may_act(&local, &caller).await);
        // The same ID under another origin is a different user.
        app.vault.authenticate_token(Token { issuer: "j".to_owned(), ..token(1, end) }).await.unwrap();
        assert!(!may_act(&local, &caller).await);
    }

    async fn a_key_whose_row_is_not_as_it_was_stored_may_not(app: App) {
        let ann = app.person("ann").await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE api_keys SET scopes = '[\"manage\",\"use\",\"resolve\",\"audit\",\"admin\"]'").await;
        rows.close().await;
        let app = app.reopen().await;
        assert!(matches!(app.vault.recheck(&ann.caller).await, Err(Error::Integrity)));
        app.vault.close().await;
    }
}
