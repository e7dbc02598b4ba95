//! Connections: kept for one user and one server, used by the gateway only, renewed by one caller at a time.

mod hostile;
mod refresh;

use toolvault_core::audit::record::Action;
use toolvault_core::confidential::Confidential;
use toolvault_core::digest::{from_hexadecimal, hexadecimal};
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Error, NewTokens, UserChange};

use crate::harness::app::key;
use crate::harness::connections::{client, request, tokens};
use crate::harness::rows::Rows;
use crate::harness::{App, MINUTE, SECOND, call, secret};
use crate::user_keys::{left_behind, rotate};

fn is_over<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Invalid(problems)) if problems[0].kind == "sign_in_over")
}

on_both! {
    async fn a_connection_is_used_until_it_is_deleted(app: App) {
        let ann = app.person("ann").await;
        assert_eq!(ann.access("linear").await, None);
        let expiring = NewTokens { expires_at: Some(app.clock.now().plus(MINUTE)), ..tokens("first") };
        let connected = ann.try_connect("linear", expiring).await.unwrap();
        assert_eq!((connected.version, connected.can_refresh, connected.needs_sign_in), (1, true, false));
        assert_eq!((connected.issuer.as_str(), connected.resource.as_str()),
            ("https://auth.linear.example", "https://linear.example/mcp"));
        assert_eq!(connected.expires_at, Some(app.clock.now().plus(MINUTE)));
        assert_eq!(ann.connections().await, std::slice::from_ref(&connected));
        let stamp = ann.vault.connection_stamp(&ann.caller, "linear").await.unwrap().unwrap();
        let opened = ann.opened("linear").await.unwrap().unwrap();
        assert_eq!(opened.access_token.expose(), b"first-access");
        assert_eq!((opened.connection, opened.stamp), (connected, stamp));
        // A second sign-in takes its place.
        let again = ann.connect("linear", "second").await;
        assert_eq!(again.version, 2);
        assert_ne!(ann.vault.connection_stamp(&ann.caller, "linear").await.unwrap(), Some(stamp));
        assert_eq!(ann.access("linear").await.as_deref(), Some("second-access"));
        assert_eq!(ann.access("github").await, None);
        let gone = ann.vault.disconnect(&ann.caller, "linear").await.unwrap().unwrap();
        assert_eq!(gone.access_token.expose(), b"second-access");
        assert_eq!(gone.refresh_token.unwrap().expose(), b"second-refresh");
        assert_eq!(gone.client.secret.unwrap().expose(), b"client-secret");
        assert_eq!((gone.client.id.as_str(), gone.client.auth_method.as_str()), ("client-1", "client_secret_basic"));
        assert_eq!(ann.access("linear").await, None);
        assert!(matches!(ann.vault.disconnect(&ann.caller, "linear").await, Err(Error::NotFound)));
        for (action, times) in [
            (Action::ConnectionCreated, 1),
            (Action::ConnectionReplaced, 1),
            (Action::ConnectionUsed, 2),
            (Action::ConnectionDeleted, 1),
        ] {
            let records = ann.records(action).await;
            assert_eq!(records.len(), times, "{action}");
            assert_eq!(records[0].tool.as_deref(), Some("linear__"));
            assert_eq!(records[0].actor, ann.caller.actor().to_string());
        }
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn a_sign_in_is_completed_once_in_time_and_by_whoever_began_it(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let (vault, caller) = (&ann.vault, &ann.caller);
        let begun = vault.seal_connection_flow(caller, request("linear")).await.unwrap();
        for wrong in [
            vault.open_connection_flow(&bob.caller, "linear", &begun).await,
            vault.open_connection_flow(caller, "github", &begun).await,
            vault.open_connection_flow(caller, "linear", &begun[2..]).await,
            vault.open_connection_flow(caller, "linear", "no flow").await,
        ] {
            assert!(is_over(&wrong));
        }
        let mut bytes = from_hexadecimal(&begun).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            let wrong = vault.open_connection_flow(caller, "linear", &hexadecimal(&bytes)).await;
            assert!(is_over(&wrong), "{place}");
            bytes[place] ^= 1;
        }
        let flow = vault.open_connection_flow(caller, "linear", &begun).await.unwrap();
        assert!(is_over(&bob.vault.connect(&bob.caller, &flow, client(), tokens("bob")).await));
        vault.connect(caller, &flow, client(), tokens("ann")).await.unwrap();
        assert!(is_over(&vault.connect(caller, &flow, client(), tokens("again")).await));
        assert!(is_over(&vault.open_connection_flow(caller, "linear", &begun).await));
        assert_eq!(ann.access("linear").await.as_deref(), Some("ann-access"));
        let late = vault.seal_connection_flow(caller, request("linear")).await.unwrap();
        app.clock.advance(600 * SECOND - 1);
        let flow = vault.open_connection_flow(caller, "linear", &late).await.unwrap();
        app.clock.advance(1);
        assert!(is_over(&vault.open_connection_flow(caller, "linear", &late).await));
        assert!(is_over(&vault.connect(caller, &flow, client(), tokens("late")).await));
        // Of two at the same time, one counts.
        let begun = vault.seal_connection_flow(caller, request("linear")).await.unwrap();
        let flow = vault.open_connection_flow(caller, "linear", &begun).await.unwrap();
        let (one, other) = tokio::join!(
            vault.connect(caller, &flow, client(), tokens("one")),
            vault.connect(caller, &flow, client(), tokens("other")),
        );
        assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
    }

    async fn each_operation_needs_its_scope_and_the_whole_server(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "ann").await;
        let stamp = ann.connected("linear").await;
        let denied = |error: Option<Error>| matches!(error, Some(Error::Denied(_)));
        let user = ann.delegate(key("user", &[Scope::Use, Scope::Resolve])).await;
        let manager = ann.delegate(key("manager", &[Scope::Manage, Scope::Audit])).await;
        let partly = ann.limited(&[Scope::Manage, Scope::Use], &["linear__get_*"]).await;
        let elsewhere = ann.limited(&[Scope::Manage, Scope::Use], &["github__*"]).await;
        let whole = ann.limited(&[Scope::Manage, Scope::Use], &["linear__*"]).await;
        for (actor, may_use, may_manage) in [
            (&user, true, false),
            (&manager, false, true),
            (&partly, true, false),
            (&elsewhere, false, false),
            (&whole, true, true),
        ] {
            let (vault, caller) = (&actor.vault, &actor.caller);
            for error in [
                vault.connection_tokens(caller, "linear").await.err(),
                vault.connection_stamp(caller, "linear").await.err(),
                vault.lease_refresh(caller, "linear", stamp).await.err(),
            ] {
                assert_eq!(denied(error), !may_use, "{}", caller.name());
            }
            let begun = vault.seal_connection_flow(caller, request("linear")).await;
            assert_eq!(begun.is_ok(), may_manage, "{}", caller.name());
            if !may_manage {
                assert!(denied(vault.disconnect(caller, "linear").await.err()));
                assert!(denied(vault.open_connection_flow(caller, "linear", "").await.err()));
            }
        }
        assert!(denied(user.vault.connections(&user.caller).await.err()));
        assert_eq!(partly.connections().await, []);
        assert_eq!(whole.connections().await.len(), 1);
        assert_eq!(app.person("bob").await.access("linear").await, None);
    }

    async fn tokens_are_no_secrets_of_a_tool(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "ann").await;
        assert!(ann.list().await.is_empty());
        let resolved = call("linear__get_issue").resolve(&ann).await.unwrap();
        assert!(resolved.applied.is_empty());
        // A name that holds a token does not reach the trail.
        let _ = call("linear__ann-access").resolve(&ann).await;
        ann.store(secret("s", "another value")).await;
        let text = format!("{:?}", ann.audit(&crate::harness::actor::any_record()).await);
        assert!(!text.contains("ann-access"), "{text}");
    }

    async fn a_connection_counts_as_a_secret_with_its_bytes(app: App) {
        let ann = app.person("ann").await;
        let limit = async |secrets: i64, bytes: i64| {
            let change = UserChange {
                secrets_limit: Some(Some(secrets)),
                bytes_limit: Some(Some(bytes)),
                ..UserChange::default()
            };
            app.vault.update_user(&app.local().caller, ann.caller.user(), change).await.unwrap();
        };
        // 10 and 11 bytes of tokens, 13 of the client's secret, 19 of its method.
        limit(2, 53).await;
        ann.connect("linear", "ann").await;
        assert_eq!(ann.vault.usage(&ann.caller).await.unwrap().secrets, 1);
        let refused = ann.try_connect("linear", tokens("anna")).await;
        assert!(matches!(refused, Err(Error::QuotaExceeded(_))));
        assert_eq!(ann.access("linear").await.as_deref(), Some("ann-access"));
        limit(1, 1_000).await;
        ann.connect("linear", "anna").await;
        assert!(matches!(ann.try_connect("github", tokens("ann")).await, Err(Error::QuotaExceeded(_))));
        assert!(matches!(ann.try_store(secret("s", "v")).await, Err(Error::QuotaExceeded(_))));
        ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
        ann.store(secret("s", "v")).await;
        let long = NewTokens { access_token: Confidential::new(vec![b'x'; (16 << 10) + 1]), ..tokens("x") };
        assert!(matches!(ann.try_connect("linear", long).await, Err(Error::Invalid(_))));
    }

    async fn the_last_use_is_known_to_the_minute(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "ann").await;
        assert_eq!(ann.connections().await[0].last_used_at, None);
        let first = app.clock.now();
        ann.access("linear").await.unwrap();
        // The writer takes what is before this.
        ann.store(secret("first", "v")).await;
        app.clock.advance(MINUTE - 1);
        ann.access("linear").await.unwrap();
        ann.store(secret("second", "v")).await;
        let app = app.reopen().await;
        let ann = app.sign_in(&ann.key).await;
        assert_eq!(ann.connections().await[0].last_used_at, Some(first));
        app.clock.advance(1);
        ann.access("linear").await.unwrap();
        let app = app.reopen().await;
        let ann = app.sign_in(&ann.key).await;
        assert_eq!(ann.connections().await[0].last_used_at, Some(first.plus(MINUTE)));
    }

    async fn connections_move_to_a_new_key_and_go_with_their_user(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "ann").await;
        ann.connect("github", "hub").await;
        assert_eq!(rotate(&app).await.data_keys, 2);
        assert_eq!(left_behind(&app, 2).await, 0);
        assert_eq!(ann.access("linear").await.as_deref(), Some("ann-access"));
        let app = app.reopen().await;
        let ann = app.sign_in(&ann.key).await;
        assert_eq!(ann.access("github").await.as_deref(), Some("hub-access"));
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        app.vault.delete_user(&app.local().caller, ann.caller.user()).await.unwrap();
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT COUNT(*) FROM connections").await, 0);
        rows.close().await;
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn a_registration_is_for_one_issuer_and_one_redirect(app: App) {
        let (vault, issuer, redirect) = (&app.vault, "https://auth.example", "https://here.example/oauth/callback");
        assert!(vault.client_registration(issuer, redirect).await.unwrap().is_none());
        vault.keep_client_registration(issuer, redirect, &client()).await.unwrap();
        let app = app.reopen().await;
        let found = app.vault.client_registration(issuer, redirect).await.unwrap().unwrap();
        assert_eq!((found.id, found.auth_method), (client().id, client().auth_method));
        assert_eq!(found.secret.unwrap().expose(), b"client-secret");
        assert!(app.vault.client_registration("https://auth.example/", redirect).await.unwrap().is_none());
        // A row that is moved to another issuer does not open there.
        let rows = Rows::of(&app).await;
        rows.run("UPDATE client_registrations SET issuer = 'https://evil.example'").await;
        rows.close().await;
        let moved = app.vault.client_registration("https://evil.example", redirect).await;
        assert!(matches!(moved, Err(Error::Integrity)));
        app.vault.forget_client_registration("https://evil.example", redirect).await.unwrap();
        assert!(app.vault.client_registration("https://evil.example", redirect).await.unwrap().is_none());
    }
}
