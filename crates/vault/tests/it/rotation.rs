//! Rotation: the successor has the same rights, and no caller gains rights by it.

use toolvault_core::audit::record::Action;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, IssuedKey, NewKey};

use crate::harness::app::key;
use crate::harness::{Actor, App, DAY, HOUR, SECOND};

async fn rotate(by: &Actor, of: &Actor, overlap: i64) -> Result<IssuedKey, Error> {
    by.vault.rotate_key(&by.caller, of.key_id(), overlap).await
}

fn exceeds<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Denied(Denial::ExceedsCreator(_))))
}

on_both! {
    async fn the_old_key_ends_after_the_overlap(app: App) {
        let operator = app.operator().await;
        let old = operator.delegate(key("k", &[Scope::Manage])).await;
        let issued = rotate(&operator, &old, 10 * SECOND).await.unwrap();
        let new = app.sign_in(issued.key.expose()).await;
        assert_eq!((issued.info.name.as_str(), new.caller.scopes()), ("k", old.caller.scopes()));
        app.clock.advance(10 * SECOND - 1);
        old.sign_in_again().await.unwrap();
        app.clock.advance(1);
        assert!(matches!(old.sign_in_again().await, Err(Error::Unauthenticated)));
        new.sign_in_again().await.unwrap();
        assert_eq!(operator.records(Action::KeyRotated).await.len(), 1);
        let ended = rotate(&operator, &old, 0).await;
        assert!(matches!(ended, Err(Error::Invalid(_))));
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn an_overlap_is_at_most_seven_days_and_lengthens_nothing(app: App) {
        let operator = app.operator().await;
        let end = app.clock.now().plus(HOUR);
        let new = || NewKey { expires_at: Some(end), ..key("k", &[Scope::Manage]) };
        let old = operator.delegate(new()).await;
        for overlap in [-1, 7 * DAY + 1, i64::MAX, i64::MIN] {
            assert!(matches!(rotate(&operator, &old, overlap).await, Err(Error::Invalid(_))));
        }
        let issued = rotate(&operator, &old, 7 * DAY).await.unwrap();
        assert_eq!(issued.info.expires_at, Some(end));
        app.clock.advance(HOUR);
        assert!(matches!(old.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn nobody_rotates_a_key_that_can_do_more(app: App) {
        let operator = app.operator().await;
        let manager = operator.delegate(key("m", &[Scope::Manage])).await;
        let runtime = operator.delegate(key("r", &[Scope::Resolve])).await;
        let agent = app.sign_in(&app.agent_key).await;
        for target in [&operator, &runtime, &agent] {
            assert!(exceeds(&rotate(&manager, target, 0).await));
            target.sign_in_again().await.unwrap();
        }
        let platform = NewKey {
            any_user: true,
            expires_at: Some(app.clock.now().plus(HOUR)),
            ..key("p", &[Scope::Manage])
        };
        let platform = app.local().issue(platform).await.unwrap();
        let refused = app.vault.rotate_key(&manager.caller, platform.info.key_id, 0).await;
        assert!(exceeds(&refused));
    }

    async fn a_short_lived_key_gets_no_longer_life_by_rotating_another(app: App) {
        let operator = app.operator().await;
        let local = app.local();
        let end = app.clock.now().plus(HOUR);
        let short = operator.delegate(NewKey { expires_at: Some(end), ..key("s", &[Scope::Manage]) }).await;
        let endless = local.delegate(key("e", &[Scope::Manage])).await;
        let sibling = operator.delegate(key("b", &[Scope::Manage])).await;
        let mut successors = Vec::new();
        for target in [&endless, &sibling] {
            let issued = rotate(&short, target, DAY).await.unwrap();
            assert_eq!(issued.info.expires_at, Some(end));
            successors.push(app.sign_in(issued.key.expose()).await);
        }
        app.vault.revoke_key(&operator.caller, short.key_id()).await.unwrap();
        for successor in successors {
            assert!(matches!(successor.sign_in_again().await, Err(Error::Unauthenticated)));
        }
    }

    async fn a_key_that_descends_from_a_stranger_is_not_rotated(app: App) {
        let (operator, local) = (app.operator().await, app.local());
        let stranger = local.delegate(key("x", &[Scope::Manage])).await;
        let child = stranger.delegate(key("c", &[Scope::Manage])).await;
        assert!(exceeds(&rotate(&operator, &child, 0).await));
        let rotated = rotate(&stranger, &child, 0).await.unwrap();
        let successor = app.sign_in(rotated.key.expose()).await;
        app.vault.revoke_key(&operator.caller, stranger.key_id()).await.unwrap();
        assert!(matches!(successor.sign_in_again().await, Err(Error::Unauthenticated)));
    }

    async fn a_key_rotates_itself(app: App) {
        let operator = app.operator().await;
        let issued = rotate(&operator, &operator, 0).await.unwrap();
        assert!(matches!(operator.sign_in_again().await, Err(Error::Unauthenticated)));
        let successor = app.sign_in(issued.key.expose()).await;
        assert_eq!(successor.caller.scopes(), operator.caller.scopes());
        assert_eq!(issued.info.expires_at, None);
    }
}
