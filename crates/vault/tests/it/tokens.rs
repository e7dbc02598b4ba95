//! Tokens of issuers: their users, and the separation of origins.

use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Error, Token, UserChange};
use uuid::Uuid;

use crate::harness::app::key;
use crate::harness::{Actor, App, secret};

fn token(issuer: &str, subject: &str, user: u128) -> Token {
    Token {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        user: UserId(Uuid::from_u128(user)),
        scopes: [Scope::Manage, Scope::Audit].into_iter().collect(),
        create_user: true,
        expires_at: Timestamp::from_microseconds(i64::MAX),
    }
}

on_both! {
    async fn an_unknown_subject_becomes_a_user_only_if_its_issuer_may_make_them(app: App) {
        let refused = app.vault.authenticate_token(Token { create_user: false, ..token("i", "s", 1) }).await;
        assert!(matches!(refused, Err(Error::Unauthenticated)));
        let caller = app.vault.authenticate_token(token("i", "s", 1)).await.unwrap();
        assert_eq!(caller.user(), UserId(Uuid::from_u128(1)));
        assert_eq!(caller.actor().to_string(), "jwt:i s");
        app.vault.authenticate_token(Token { create_user: false, ..token("i", "s", 1) }).await.unwrap();
    }

    async fn sixteen_first_tokens_at_once_make_one_user(app: App) {
        let comers: Vec<_> = (0..16).map(|_| {
            let vault = app.vault.clone();
            tokio::spawn(async move { vault.authenticate_token(token("i", "s", 1)).await })
        }).collect();
        for comer in comers {
            comer.await.unwrap().unwrap();
        }
        let local = app.local();
        assert_eq!(app.vault.list_users(&local.caller, None).await.unwrap().len(), 2);
    }

    async fn an_id_of_another_origin_is_somebody_else(app: App) {
        app.vault.authenticate_token(token("i", "s", 1)).await.unwrap();
        let other = app.vault.authenticate_token(token("j", "s", 1)).await;
        assert!(matches!(other, Err(Error::Unauthenticated)));
        let local = Token { user: app.user, ..token("i", "s", 1) };
        assert!(matches!(app.vault.authenticate_token(local).await, Err(Error::Unauthenticated)));
        let shaped = app.vault.authenticate_token(token("local", "default", 2)).await.unwrap();
        assert_ne!(shaped.user(), app.user);
    }

    async fn a_disabled_subject_is_refused_with_its_keys(app: App) {
        let caller = app.vault.authenticate_token(token("i", "s", 1)).await.unwrap();
        let subject = Actor::new(&app, caller, String::new());
        subject.store(secret("s", "the value")).await;
        let holder = subject.delegate(key("k", &[Scope::Manage])).await;
        let local = app.local();
        let change = UserChange { disabled: Some(true), ..UserChange::default() };
        app.vault.update_user(&local.caller, UserId(Uuid::from_u128(1)), change).await.unwrap();
        let refused = app.vault.authenticate_token(token("i", "s", 1)).await;
        assert!(matches!(refused, Err(Error::Unauthenticated)));
        assert!(matches!(holder.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn a_subject_that_no_column_can_keep_is_nobody(app: App) {
        let refused = app.vault.authenticate_token(token("i", "a\0b", 1)).await;
        assert!(matches!(refused, Err(Error::Unauthenticated)));
    }

    async fn a_token_gives_no_more_than_it_has(app: App) {
        let caller = app.vault.authenticate_token(token("i", "s", 1)).await.unwrap();
        let subject = Actor::new(&app, caller, String::new());
        for scope in [Scope::Resolve, Scope::Use, Scope::Admin] {
            assert!(matches!(subject.issue(key("k", &[scope])).await, Err(Error::Denied(_))));
        }
    }
}
