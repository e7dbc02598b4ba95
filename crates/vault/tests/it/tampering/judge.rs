//! The required outcome of each manipulation.

use toolvault_core::digest::from_hexadecimal;
use toolvault_vault::{Consistency, Error, OpenError, Verification};

use super::columns::{INSTALLATION, KEYRING};
use super::deed::{Deed, Hand};
use super::scene::{Scene, restore};
use crate::harness::App;
use crate::harness::app::open;
use crate::harness::entropy::SeededEntropy;
use crate::harness::rows::Rows;

/// Runs this many manipulations, each on the original store, and checks each. Returns how many ran.
pub(super) async fn tamper(app: &App, seed: u64, deeds: usize) -> usize {
    let mut settings = app.settings();
    settings.consistency = Consistency::Strict;
    let app = app.reopen_with(settings).await;
    let rows = Rows::of(&app).await;
    let scene = Scene::set(&app, &rows).await;
    let choose = SeededEntropy::new(seed);
    let hand = Hand {
        rows: &rows,
        choose: &choose,
    };
    assert!(verify(&app).await.unwrap().ok);
    for number in 0..deeds {
        let deed = hand.act(&scene).await;
        let told = format!("seed {seed}, deed {number}: {}", deed.what);
        let is_found = verify(&app).await.map_or(true, |verified| !verified.ok);
        assert!(is_found, "not found by verifying: {told}");
        let answers = scene.ask(&app.vault).await;
        judge(&scene, &deed, &answers, &told);
        restore(&rows, deed.tables).await;
    }
    let answers = scene.ask(&app.vault).await;
    let right: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(Some(&right), scene.answers.last());
    rows.close().await;
    app.vault.close().await;
    deeds
}

fn judge(scene: &Scene, deed: &Deed, answers: &[Result<String, Error>], told: &str) {
    let (now, before) = scene.answers.split_last().unwrap();
    for (place, answer) in answers.iter().enumerate() {
        match answer {
            Ok(text) if *text == now[place] => {}
            Ok(text) if deed.is_rollback => {
                let was_right = before.iter().any(|then| then[place] == *text);
                assert!(was_right, "never an answer here: {text}\n{told}");
            }
            Ok(text) => panic!("{text}\ninstead of {}\n{told}", now[place]),
            Err(Error::Integrity | Error::Unauthenticated) => {}
            Err(Error::Unavailable(_)) if deed.tables[0].starts_with("audit_") => {}
            Err(error) => panic!("{error:?}\n{told}"),
        }
    }
}

async fn verify(app: &App) -> Result<Verification, Error> {
    let first = from_hexadecimal(&app.audit_public_key).unwrap();
    app.vault.verify_audit(Some(&first)).await
}

/// Changes the keyring or the identity of a closed store, and tries to open it.
pub(super) async fn tamper_before_opening(app: &App, seed: u64, deeds: usize) {
    let rows = Rows::of(app).await;
    Scene::set(app, &rows).await;
    app.vault.close().await;
    let choose = SeededEntropy::new(seed);
    let hand = Hand {
        rows: &rows,
        choose: &choose,
    };
    for _ in 0..deeds {
        let deed = loop {
            let table = if choose.below(5) == 0 {
                &INSTALLATION
            } else {
                &KEYRING
            };
            if let Some(deed) = hand.any(table).await {
                break deed;
            }
        };
        match open(&app.place, app.settings(), &app.clock).await {
            Err(OpenError::WrongRootKey | OpenError::Keyring(_)) => {}
            Err(error) => panic!("{error:?}: {}", deed.what),
            Ok(_) => panic!("it was opened: {}", deed.what),
        }
        restore(&rows, deed.tables).await;
    }
    rows.close().await;
    app.another(app.settings()).await.vault.close().await;
}
