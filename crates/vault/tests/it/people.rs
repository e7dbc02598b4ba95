//! Sessions of people who signed in at an issuer.

use toolvault_core::audit::record::Action;
use toolvault_core::identity::UserId;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Denial, Error, Keys, SessionLimits, SignedIn, Token};
use uuid::Uuid;

use crate::harness::backups::sqlite_place;
use crate::harness::{App, HOUR, MINUTE};

const LIMITS: SessionLimits = SessionLimits {
    idle: 30 * MINUTE,
    total: 12 * HOUR,
};

fn alice() -> Token {
    Token {
        issuer: "i".to_owned(),
        subject: "alice".to_owned(),
        user: UserId(Uuid::from_u128(1)),
        scopes: manage(),
        create_user: true,
        // When the token expires does not matter.
        expires_at: Timestamp::from_microseconds(1),
    }
}

fn manage() -> ScopeSet {
    [Scope::Manage].into_iter().collect()
}

async fn signed_in(app: &App) -> SignedIn {
    let (flow, _) = app.vault.begin_flow("main", String::new()).unwrap();
    let begun = app.vault.begin_session_at_issuer(&flow, alice(), LIMITS);
    begun.await.unwrap()
}

async fn resume(
    app: &App,
    begun: &SignedIn,
    scopes_of: impl Fn(&str) -> Option<ScopeSet>,
) -> Result<SignedIn, Error> {
    let sealed = begun.renewed.as_deref().unwrap();
    let resumed = app
        .vault
        .resume_session(sealed, &begun.token, LIMITS, scopes_of);
    resumed.await
}

on_both! {
    async fn sixteen_at_once_begin_one_session_with_a_flow(app: App) {
        let (_, sealed) = app.vault.begin_flow("main", "https://v.example/".to_owned()).unwrap();
        let comers: Vec<_> = (0..16).map(|_| {
            let (vault, sealed) = (app.vault.clone(), sealed.clone());
            tokio::spawn(async move {
                let flow = vault.open_flow(&sealed)?;
                assert_eq!(flow.redirect_url, "https://v.example/");
                vault.begin_session_at_issuer(&flow, alice(), LIMITS).await
            })
        }).collect();
        let mut begun = 0;
        for comer in comers {
            begun += usize::from(comer.await.unwrap().is_ok());
        }
        assert_eq!(begun, 1);
        let operator = app.operator().await;
        assert_eq!(operator.records(Action::SessionStarted).await.len(), 1);
    }

    async fn a_session_that_began_at_an_issuer_ends_with_all_of_its_user(app: App) {
        let begun = signed_in(&app).await;
        let user = begun.caller.user();
        app.vault.end_sessions(&app.local().caller, user).await.unwrap();
        assert!(resume(&app, &begun, |_| Some(manage())).await.is_err());
        let again = signed_in(&app).await;
        resume(&app, &again, |_| Some(manage())).await.unwrap();
    }

    async fn a_session_is_over_when_its_user_was_deleted_and_comes_again(app: App) {
        let begun = signed_in(&app).await;
        app.vault.delete_user(&app.local().caller, begun.caller.user()).await.unwrap();
        assert!(resume(&app, &begun, |_| Some(manage())).await.is_err());
        let again = signed_in(&app).await;
        assert_eq!(again.caller.user(), begun.caller.user());
        assert!(resume(&app, &begun, |_| Some(manage())).await.is_err());
        resume(&app, &again, |_| Some(manage())).await.unwrap();
    }

    async fn a_session_that_was_ended_does_not_come_back_with_a_backup(app: App) {
        let before = signed_in(&app).await;
        let file = app.backup().await;
        app.vault.end_sessions(&app.local().caller, before.caller.user()).await.unwrap();
        let after = signed_in(&app).await;
        app.clock.advance(1);
        let (there, _) = app.restore(sqlite_place(), &file, Keys::Revoke).await;
        for begun in [&before, &after] {
            assert!(resume(&there, begun, |_| Some(manage())).await.is_err());
        }
        let (kept, _) = app.restore(sqlite_place(), &file, Keys::Keep).await;
        assert!(resume(&kept, &before, |_| Some(manage())).await.is_ok());
        there.vault.close().await;
        kept.vault.close().await;
    }

    async fn rights_are_those_that_the_issuer_gives_now(app: App) {
        let begun = signed_in(&app).await;
        assert_eq!(begun.user_name, "alice");
        let resumed = resume(&app, &begun, |issuer| (issuer == "i").then(manage)).await.unwrap();
        assert_eq!(resumed.caller.actor().to_string(), "jwt:i alice");
        assert_eq!(resumed.caller.scopes(), manage());
        app.vault.recheck(&resumed.caller).await.unwrap();
        let audit: ScopeSet = [Scope::Audit].into_iter().collect();
        let resumed = resume(&app, &begun, |_| Some(audit)).await.unwrap();
        assert_eq!(resumed.caller.scopes(), audit);
        // People no longer sign in there.
        let gone = resume(&app, &begun, |_| None).await;
        assert!(matches!(gone, Err(Error::Unauthenticated)));
    }

    async fn a_flow_lasts_ten_minutes_and_a_session_twelve_hours(app: App) {
        let (flow, sealed) = app.vault.begin_flow("main", String::new()).unwrap();
        let (other, _) = app.vault.begin_flow("main", String::new()).unwrap();
        for (one, another) in [
            (&flow.state, &other.state),
            (&flow.nonce, &other.nonce),
            (&flow.verifier, &other.verifier),
            (&flow.state, &flow.nonce),
            (&flow.nonce, &flow.verifier),
        ] {
            assert_ne!(one, another);
            assert_eq!(one.len(), 64);
        }
        app.clock.advance(10 * MINUTE - 1);
        assert!(app.vault.open_flow(&sealed).is_ok());
        app.clock.advance(1);
        assert!(app.vault.open_flow(&sealed).is_err());

        let mut begun = signed_in(&app).await;
        for _ in 0..35 {
            app.clock.advance(20 * MINUTE);
            let resumed = resume(&app, &begun, |_| Some(manage())).await.unwrap();
            assert_eq!(resumed.expires_at, begun.expires_at);
            begun = resumed;
        }
        app.clock.advance(20 * MINUTE);
        assert!(resume(&app, &begun, |_| Some(manage())).await.is_err());
    }

    async fn whoever_has_no_user_begins_no_session(app: App) {
        let (flow, _) = app.vault.begin_flow("main", String::new()).unwrap();
        let unknown = Token { create_user: false, ..alice() };
        let refused = app.vault.begin_session_at_issuer(&flow, unknown, LIMITS).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::NoUser))));
        // Nor one whose ID is a user of another origin.
        let other = Token { user: app.user, ..alice() };
        let refused = app.vault.begin_session_at_issuer(&flow, other, LIMITS).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::NoUser))));
        let operator = app.operator().await;
        assert!(operator.records(Action::SessionStarted).await.is_empty());
        app.vault.begin_session_at_issuer(&flow, alice(), LIMITS).await.unwrap();
    }
}
