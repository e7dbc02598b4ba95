//! Refresh tokens are used by one caller at a time, also on two servers.

use toolvault_core::audit::record::Action;
use toolvault_vault::{Client, Lease, NewTokens, OpenConnection, RefreshEnd, RefreshLease};

use crate::harness::connections::tokens;
use crate::harness::databases::on_postgres;
use crate::harness::{Actor, App, SECOND};

fn leased(lease: RefreshLease) -> Box<Lease> {
    match lease {
        RefreshLease::Leased(lease) => lease,
        RefreshLease::Busy => panic!("busy"),
        RefreshLease::Changed => panic!("changed"),
        RefreshLease::CannotRefresh => panic!("cannot refresh"),
    }
}

async fn renew(actor: &Actor, lease: Lease, tokens: NewTokens) -> Option<OpenConnection> {
    let renewed = actor.vault.renew(&actor.caller, lease, tokens).await;
    renewed.unwrap()
}

/// Fifty at once, on these; one refreshes, and all then have its token.
async fn race(actors: &[Actor]) {
    let stamp = actors[0].connected("linear").await;
    let racing: Vec<_> = (0..50)
        .map(|number| {
            let actor = actors[number % actors.len()].clone();
            tokio::spawn(async move {
                match actor.lease("linear", stamp).await {
                    RefreshLease::Leased(lease) => {
                        renew(&actor, *lease, tokens("second")).await.unwrap();
                        1
                    }
                    RefreshLease::Busy | RefreshLease::Changed => 0,
                    RefreshLease::CannotRefresh => panic!("cannot refresh"),
                }
            })
        })
        .collect();
    let mut refreshed = 0;
    for one in racing {
        refreshed += one.await.unwrap();
    }
    assert_eq!(refreshed, 1);
    let records = actors[0].records(Action::ConnectionRenewed).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].version, Some(2));
}

on_both! {
    async fn of_fifty_at_once_one_refreshes(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "first").await;
        race(std::slice::from_ref(&ann)).await;
        assert_eq!(ann.access("linear").await.as_deref(), Some("second-access"));
    }

    async fn a_lease_ends_by_itself_and_late_tokens_count(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "first").await;
        let stamp = ann.connected("linear").await;
        let first = leased(ann.lease("linear", stamp).await);
        assert_eq!(first.refresh_token.expose(), b"first-refresh");
        let Client { id, secret, .. } = first.client.clone();
        assert_eq!((id.as_str(), secret.unwrap().expose()), ("client-1", b"client-secret".as_slice()));
        app.clock.advance(30 * SECOND - 1);
        assert!(matches!(ann.lease("linear", stamp).await, RefreshLease::Busy));
        app.clock.advance(1);
        let second = leased(ann.lease("linear", stamp).await);
        // The first was slow, but its tokens are the newest that are known.
        let opened = renew(&ann, *first, tokens("second")).await.unwrap();
        assert_eq!(opened.access_token.expose(), b"second-access");
        assert_eq!(opened.connection.version, 2);
        // The other was refused because of that; this must not end the connection.
        ann.vault.end_refresh(&ann.caller, *second, RefreshEnd::Refused).await.unwrap();
        assert_eq!(ann.access("linear").await.as_deref(), Some("second-access"));
        assert!(matches!(ann.lease("linear", stamp).await, RefreshLease::Changed));
        // Nor if it was refused before the tokens of the first came.
        let stamp = ann.connected("linear").await;
        let first = leased(ann.lease("linear", stamp).await);
        app.clock.advance(30 * SECOND);
        let second = leased(ann.lease("linear", stamp).await);
        ann.vault.end_refresh(&ann.caller, *second, RefreshEnd::Refused).await.unwrap();
        assert_eq!(ann.access("linear").await, None);
        let opened = renew(&ann, *first, tokens("second")).await.unwrap();
        assert!(!opened.connection.needs_sign_in);
        assert_eq!(ann.access("linear").await.as_deref(), Some("second-access"));
        // A renewal may keep the refresh token.
        let lease = leased(ann.lease("linear", ann.connected("linear").await).await);
        let kept = NewTokens { refresh_token: None, ..tokens("third") };
        renew(&ann, *lease, kept).await.unwrap();
        assert_eq!(leased(ann.lease("linear", ann.connected("linear").await).await).refresh_token.expose(), b"second-refresh");
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn a_refusal_ends_the_connection_and_a_failure_does_not(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "first").await;
        let stamp = ann.connected("linear").await;
        let lease = leased(ann.lease("linear", stamp).await);
        ann.vault.end_refresh(&ann.caller, *lease, RefreshEnd::Failed).await.unwrap();
        let lease = leased(ann.lease("linear", stamp).await);
        ann.vault.end_refresh(&ann.caller, *lease, RefreshEnd::Refused).await.unwrap();
        assert!(ann.connections().await[0].needs_sign_in);
        assert_eq!(ann.access("linear").await, None);
        assert_eq!(ann.vault.connection_stamp(&ann.caller, "linear").await.unwrap(), None);
        assert!(matches!(ann.lease("linear", stamp).await, RefreshLease::Changed));
        assert_eq!(ann.records(Action::ConnectionEnded).await.len(), 1);
        let app = app.reopen().await;
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        let ann = app.sign_in(&ann.key).await;
        assert_eq!(ann.access("linear").await, None);
        assert_eq!(ann.connect("linear", "again").await.version, 2);
        assert_eq!(ann.access("linear").await.as_deref(), Some("again-access"));
    }

    async fn a_lease_is_of_one_sign_in(app: App) {
        let ann = app.person("ann").await;
        for later in [0, SECOND] {
            ann.connect("linear", "first").await;
            let former = ann.connected("linear").await;
            let renewed = leased(ann.lease("linear", former).await);
            app.clock.advance(30 * SECOND);
            let refused = leased(ann.lease("linear", former).await);
            ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
            app.clock.advance(later);
            // Another account: its version is 1, too.
            assert_eq!(ann.connect("linear", "other").await.version, former.version);
            let own = ann.connected("linear").await;
            assert!(matches!(ann.lease("linear", former).await, RefreshLease::Changed));
            assert!(renew(&ann, *renewed, tokens("old")).await.is_none());
            ann.vault.end_refresh(&ann.caller, *refused, RefreshEnd::Refused).await.unwrap();
            assert_eq!(ann.connected("linear").await, own);
            assert_eq!(ann.access("linear").await.as_deref(), Some("other-access"));
            assert_eq!(leased(ann.lease("linear", own).await).refresh_token.expose(), b"other-refresh");
            ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
        }
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn tokens_of_a_connection_that_changed_are_not_kept(app: App) {
        let ann = app.person("ann").await;
        ann.connect("linear", "first").await;
        let stamp = ann.connected("linear").await;
        let lease = leased(ann.lease("linear", stamp).await);
        ann.connect("linear", "signed-in-again").await;
        assert!(renew(&ann, *lease, tokens("old")).await.is_none());
        assert_eq!(ann.access("linear").await.as_deref(), Some("signed-in-again-access"));
        let lease = leased(ann.lease("linear", ann.connected("linear").await).await);
        ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
        assert!(renew(&ann, *lease, tokens("old")).await.is_none());
        assert_eq!(ann.connections().await, []);
        // Without a refresh token there is nothing to lease.
        let short = NewTokens { refresh_token: None, ..tokens("short") };
        let connected = ann.try_connect("linear", short).await.unwrap();
        assert!(!connected.can_refresh);
        let stamp = ann.connected("linear").await;
        assert!(matches!(ann.lease("linear", stamp).await, RefreshLease::CannotRefresh));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_on_two_servers_one_refreshes() {
    on_postgres(|app: App| async move {
        let other = app.another(app.settings()).await;
        let ann = app.person("ann").await;
        ann.connect("linear", "first").await;
        let there = other.sign_in(&ann.key).await;
        race(&[ann, there]).await;
        other.vault.close().await;
    })
    .await;
}
