//! Values and keys do not occur where they do not belong, in any usual encoding.

use std::fmt::Write as _;

use toolvault_core::digest::hexadecimal;
use toolvault_core::scope::Scope;
use toolvault_vault::{DatabaseLocation, SecretChange};

use crate::harness::actor::any_record;
use crate::harness::app::key;
use crate::harness::rows::{Rows, TABLES};
use crate::harness::{App, NewSecretExt as _, call, secret};

const CANARY: &str = "canary-7Qx9vT2mZp4LkR8wYb3N-first";
const SECOND: &str = "canary-5Hs1dG6jXc0FaU2eVn9B-second";

/// The text as it is, and in the encodings that a careless program might use.
fn disguises(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut forms = vec![
        bytes.to_vec(),
        hexadecimal(bytes).into_bytes(),
        hexadecimal(bytes).to_uppercase().into_bytes(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        bytes.iter().rev().copied().collect(),
    ];
    // Base64 has three alignments, depending on what precedes the text.
    for skipped in 0..3 {
        forms.push(base64(&bytes[skipped..]));
    }
    forms
}

/// Whole groups of the standard alphabet; the URL alphabet differs only where a digit is `+` or `/`.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks_exact(3).flat_map(|group| {
        let number = group
            .iter()
            .fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| DIGITS[number >> shift & 63])
    });
    digits.collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Everything that the store keeps: every row as text, and every file.
async fn everything(app: &App) -> Vec<(String, Vec<u8>)> {
    let mut kept = Vec::new();
    match &app.place.location {
        DatabaseLocation::Directory(directory) => {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                kept.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        DatabaseLocation::Postgres(_) => {
            let rows = Rows::of(app).await;
            for table in TABLES {
                let texts = rows.texts(&format!("SELECT t::text FROM {table} t")).await;
                // Bytes are printed as hexadecimal digits, so search the decoded bytes, too.
                let bytes: Vec<u8> = texts.iter().flat_map(|text| unhex(text)).collect();
                kept.push((format!("bytes of {table}"), bytes));
                kept.push((table.to_owned(), texts.join("\n").into_bytes()));
            }
            rows.close().await;
        }
    }
    kept
}

/// The bytes of each run of hexadecimal digits after `\x`.
fn unhex(text: &str) -> Vec<u8> {
    let runs = text.split("\\x").skip(1).map(|run| {
        let end = run
            .find(|digit: char| !digit.is_ascii_hexdigit())
            .unwrap_or(run.len());
        toolvault_core::digest::from_hexadecimal(&run[..end]).unwrap_or_default()
    });
    runs.flatten().collect()
}

on_both! {
    async fn nothing_that_is_kept_or_told_holds_a_value_or_a_key(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&app.vault, &operator.caller);
        let new = || secret("s", CANARY).default_for("t", "k");
        let created = vault.create_secret(caller, new(), Some("once")).await.unwrap();
        let id = created.info.secret_id;
        let mut told = format!("{created:?}");
        operator.set_value(id, SECOND).await;
        vault.restore_version(caller, id, 1).await.unwrap();
        operator.resolve("t").await.unwrap();
        write!(told, "{:?}", call("t").explain(&operator).await.unwrap()).unwrap();
        write!(told, "{:?}", vault.list_versions(caller, id).await.unwrap()).unwrap();
        let reused = vault.create_secret(caller, secret("x", SECOND), Some("once")).await;
        write!(told, "{:?}", reused.unwrap_err()).unwrap();
        let too_large = SecretChange { value: Some(CANARY.repeat(40_000).as_str().into()), ..SecretChange::default() };
        write!(told, "{:?}", operator.change(id, too_large).await.unwrap_err()).unwrap();
        let holder = operator.delegate(key("k", &[Scope::Audit])).await;
        write!(told, "{:?}", holder.try_store(secret("x", SECOND)).await.unwrap_err()).unwrap();
        write!(told, "{:?}", operator.list().await).unwrap();
        write!(told, "{:?}", operator.audit(&any_record()).await).unwrap();
        write!(told, "{:?} {:?}", operator.caller, vault).unwrap();
        let gone = operator.store(secret("gone", SECOND)).await.secret_id;
        operator.delete(gone).await.unwrap();
        let key_secret = &operator.key[13..56];

        // Before the log is merged into the database file, and after.
        let mut kept = vec![("what was told".to_owned(), told.into_bytes())];
        kept.extend(everything(&app).await);
        app.vault.close().await;
        kept.extend(everything(&app).await);
        assert!(kept.iter().any(|(_, bytes)| find(bytes, b"secret.value_replaced")));
        for text in [CANARY, SECOND, key_secret] {
            for disguise in disguises(text) {
                for (place, bytes) in &kept {
                    assert!(!find(bytes, &disguise), "{place} holds {}", String::from_utf8_lossy(&disguise));
                }
            }
        }
    }
}
