//! Sessions of browsers, and the links that begin them.

use toolvault_core::audit::record::Action;
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, SessionLimits, SignedIn};

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, HOUR, MINUTE, SECOND};

const LIMITS: SessionLimits = SessionLimits {
    idle: 30 * MINUTE,
    total: 12 * HOUR,
};

async fn begin(app: &App, actor: &Actor) -> SignedIn {
    let begun = app.vault.begin_session(&actor.key, LIMITS);
    begun.await.unwrap()
}

async fn link(app: &App) -> Vec<u8> {
    let local = app.local();
    let made = app.vault.create_sign_in_link(&local.caller, app.user);
    made.await.unwrap().0
}

async fn resume(app: &App, begun: &SignedIn) -> Result<SignedIn, Error> {
    let sealed = begun.renewed.as_deref().unwrap();
    let resumed = app
        .vault
        .resume_session(sealed, &begun.token, LIMITS, |_| None);
    resumed.await
}

fn is_refused<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Unauthenticated))
}

on_both! {
    async fn its_debug_form_has_neither_the_cookie_nor_the_token(app: App) {
        let mut begun = begin(&app, &app.person("ann").await).await;
        let shown = format!("{begun:?}");
        assert!(shown.contains("caller"), "{shown}");
        begun.token = [0; 32];
        begun.renewed = None;
        assert_eq!(format!("{begun:?}"), shown);
    }

    async fn a_session_is_known_to_every_server_and_its_end_too(app: App) {
        let ann = app.person("ann").await;
        let begun = begin(&app, &ann).await;
        assert_eq!(begun.user_name, "ann");
        assert_eq!(begun.key_id(), Some(ann.key_id()));
        // On PostgreSQL beside the first, on SQLite after it.
        let other = if app.is_sqlite() { app.reopen().await } else { app.another(app.settings()).await };
        let resumed = resume(&other, &begun).await.unwrap();
        assert_eq!(resumed.caller.user(), ann.caller.user());
        other.vault.end_session(&resumed).await.unwrap();
        assert!(is_refused(&resume(&other, &begun).await));
        assert!(is_refused(&other.vault.end_session(&resumed).await));
        if !app.is_sqlite() {
            assert!(is_refused(&resume(&app, &begun).await));
        }
        other.vault.close().await;
    }

    async fn all_sessions_of_a_user_end_at_once_and_later_ones_begin(app: App) {
        let (ann, bea, operator) = (app.person("ann").await, app.person("bea").await, app.operator().await);
        let (first, second) = (begin(&app, &ann).await, begin(&app, &ann).await);
        let hers = begin(&app, &bea).await;
        let refused = app.vault.end_sessions(&bea.caller, ann.caller.user()).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        assert!(resume(&app, &first).await.is_ok());
        app.vault.end_sessions(&operator.caller, ann.caller.user()).await.unwrap();
        assert!(is_refused(&resume(&app, &first).await) && is_refused(&resume(&app, &second).await));
        assert!(resume(&app, &hers).await.is_ok());
        assert!(resume(&app, &begin(&app, &ann).await).await.is_ok());
        ann.list().await;
        let ended = ann.records(Action::SessionEnded).await;
        let actor = operator.caller.actor().to_string();
        assert_eq!(ended.iter().map(|record| &record.actor).collect::<Vec<_>>(), [&actor]);
        assert_eq!(ended[0].reason.as_deref(), Some("all"));

        // A link that was made before begins no session, and one that began with a link ends.
        let early = link(&app).await;
        let by_link = app.vault.begin_session_by_link(&link(&app).await, LIMITS).await.unwrap();
        app.vault.end_sessions(&app.local().caller, app.user).await.unwrap();
        assert!(is_refused(&resume(&app, &by_link).await));
        assert!(is_refused(&app.vault.begin_session_by_link(&early, LIMITS).await));
        assert!(app.vault.begin_session_by_link(&link(&app).await, LIMITS).await.is_ok());
        let unknown = toolvault_core::identity::UserId(uuid::Uuid::nil());
        let missing = app.vault.end_sessions(&operator.caller, unknown).await;
        assert!(matches!(missing, Err(Error::NotFound)));
    }

    async fn sixteen_at_once_begin_one_session_with_a_link(app: App) {
        let link = link(&app).await;
        let followers: Vec<_> = (0..16).map(|_| {
            let (vault, link) = (app.vault.clone(), link.clone());
            tokio::spawn(async move { vault.begin_session_by_link(&link, LIMITS).await })
        }).collect();
        let mut begun = 0;
        for follower in followers {
            begun += usize::from(follower.await.unwrap().is_ok());
        }
        assert_eq!(begun, 1);
        let operator = app.operator().await;
        assert_eq!(operator.records(Action::SessionStarted).await.len(), 1);
    }

    async fn an_approved_key_is_made_once_by_any_server(app: App) {
        let ann = app.person("ann").await;
        let begun = begin(&app, &ann).await;
        let challenge = hexadecimal(&sha256(b"verifier"));
        let scopes = [Scope::Manage].into_iter().collect();
        let ends = app.clock.now().plus(HOUR);
        let sealed = app
            .vault
            .approve_key(&begun, challenge, "laptop".to_owned(), scopes, ends)
            .await
            .unwrap();
        // On PostgreSQL beside the first, on SQLite after it.
        let other = if app.is_sqlite() { app.reopen().await } else { app.another(app.settings()).await };
        let followers: Vec<_> = (0..16).map(|number| {
            let first = if number % 2 == 0 || app.is_sqlite() { &other } else { &app };
            let (vault, sealed) = (first.vault.clone(), sealed.clone());
            tokio::spawn(async move {
                let redeem = vault.redeem_approval(&sealed, "verifier", LIMITS, |_| None, |caller| caller);
                redeem.await.map(|issued| issued.info)
            })
        }).collect();
        let mut made = Vec::new();
        for follower in followers {
            made.extend(follower.await.unwrap());
        }
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].user_id, made[0].expires_at), (ann.caller.user(), Some(ends)));
        let listed = other.vault.list_keys(&ann.caller, None).await.unwrap();
        assert_eq!(listed.iter().filter(|key| key.name == "laptop").count(), 1);
        other.vault.close().await;
    }

    async fn only_the_local_command_line_makes_links(app: App) {
        let operator = app.operator().await;
        let made = app.vault.create_sign_in_link(&operator.caller, app.user).await;
        assert!(matches!(made, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        // Nor does a session that began with one.
        let signed_in = app.vault.begin_session_by_link(&link(&app).await, LIMITS).await.unwrap();
        let made = app.vault.create_sign_in_link(&signed_in.caller, app.user).await;
        assert!(matches!(made, Err(Error::Denied(Denial::MissingScope(Scope::Admin)))));
        let unknown = toolvault_core::identity::UserId(uuid::Uuid::nil());
        let made = app.vault.create_sign_in_link(&app.local().caller, unknown).await;
        assert!(matches!(made, Err(Error::Denied(Denial::UserUnavailable))));
    }

    async fn what_has_expired_by_itself_is_not_kept(app: App) {
        let ann = app.person("ann").await;
        let rows = Rows::of(&app).await;
        let kept = async || rows.number("SELECT COUNT(*) FROM ended_sign_ins").await;
        app.vault.begin_session_by_link(&link(&app).await, LIMITS).await.unwrap();
        let first = begin(&app, &ann).await;
        app.vault.end_session(&first).await.unwrap();
        assert_eq!(kept().await, 2);
        app.clock.advance(2 * MINUTE);
        let second = begin(&app, &ann).await;
        app.vault.end_session(&second).await.unwrap();
        assert_eq!(kept().await, 2);
        assert!(is_refused(&resume(&app, &first).await));
        app.clock.advance(12 * HOUR + SECOND);
        let third = begin(&app, &ann).await;
        app.vault.end_session(&third).await.unwrap();
        assert_eq!(kept().await, 1);
        assert!(is_refused(&resume(&app, &first).await));
    }

    async fn a_session_is_renewed_once_a_minute_and_ends_when_it_must(app: App) {
        let ann = app.person("ann").await;
        let begun = begin(&app, &ann).await;
        assert_eq!(begun.expires_at, app.clock.now().plus(LIMITS.total));
        app.clock.advance(59 * SECOND);
        assert!(resume(&app, &begun).await.unwrap().renewed.is_none());
        app.clock.advance(SECOND);
        let renewed = resume(&app, &begun).await.unwrap();
        assert_eq!(renewed.expires_at, begun.expires_at);
        assert_eq!(renewed.token, begun.token);
        app.clock.advance(29 * MINUTE);
        assert!(is_refused(&resume(&app, &begun).await));
        assert!(resume(&app, &renewed).await.is_ok());
    }

    async fn a_session_of_the_machines_user_may_act_while_its_user_may(app: App) {
        let signed_in = app.vault.begin_session_by_link(&link(&app).await, LIMITS).await.unwrap();
        app.vault.recheck(&signed_in.caller).await.unwrap();
        let local = app.local();
        let change = toolvault_vault::UserChange { disabled: Some(true), ..Default::default() };
        app.vault.update_user(&local.caller, app.user, change).await.unwrap();
        assert!(is_refused(&app.vault.recheck(&signed_in.caller).await));
        assert!(is_refused(&resume(&app, &signed_in).await));
        app.vault.recheck(&local.caller).await.unwrap();
    }

    async fn a_key_made_in_a_session_ends_with_the_key_of_the_session(app: App) {
        let ann = app.person("ann").await;
        let begun = begin(&app, &ann).await;
        let made = app.vault.create_key(&begun.caller, key("child", &[Scope::Use])).await.unwrap();
        let child = app.sign_in(made.key.expose()).await;
        app.vault.revoke_key(&ann.caller, ann.key_id()).await.unwrap();
        assert!(is_refused(&child.sign_in_again().await));
        assert!(is_refused(&resume(&app, &begun).await));
    }
}
