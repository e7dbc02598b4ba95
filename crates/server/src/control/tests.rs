//! Who is admitted, and commands through a real socket.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    DatabaseLocation, Opened, RootKeySource, Settings, SystemClock, SystemEntropy, Vault,
};

use super::listener::{Entrance, converse, is_admitted};
use super::token::{self, Token};
use super::{
    Checkpoint, ControlSocket, KeyRequest, LocalAnswer, LocalCommand, LocalError, call, execute,
};

async fn open(directory: &std::path::Path) -> Vault {
    let data = directory.join("data");
    let Opened { vault, .. } = Vault::open(
        Settings::new(DatabaseLocation::Directory(data)),
        &RootKeySource::File(directory.join("root.key")),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )
    .await
    .unwrap();
    vault
}

fn own_uid(directory: &std::path::Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(directory).unwrap().uid()
}

fn message(answer: Result<LocalAnswer, LocalError>) -> String {
    match answer {
        Ok(_) => panic!("it was done"),
        Err(error) => {
            assert!(error.is_refusal);
            error.message
        }
    }
}

#[test]
fn only_the_servers_own_user_and_root_are_admitted() {
    assert!(is_admitted(1_000, 1_000));
    assert!(is_admitted(0, 1_000));
    assert!(!is_admitted(1_001, 1_000));
    assert!(!is_admitted(1_000, 0));
}

#[tokio::test]
async fn a_foreign_user_hears_no_and_nothing_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let entrance = entrance(directory.path());
    let token = token::read(directory.path()).unwrap();
    let line = format!("{} {}", token.as_str(), intrusion());
    let answer = answer(&vault, FOREIGN, &entrance, &line).await;
    assert!(answer.contains("only from its own user"), "{answer}");
    assert_eq!(users(&vault).await, 1);
    vault.close().await;
}

#[tokio::test]
async fn without_the_token_nothing_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let entrance = entrance(directory.path());
    let token = token::read(directory.path()).unwrap();
    let (token, command) = (token.as_str(), intrusion());
    for line in [
        command.clone(),
        format!(" {command}"),
        format!("{} {command}", "0".repeat(64)),
        format!("{}x {command}", token.get(..63).unwrap()),
        format!("{token}{command}"),
        token.to_owned(),
        // As an earlier version says it, at length.
        format!("{command}{}", " ".repeat(100_000)),
    ] {
        for uid in [OWN, 0] {
            let answer = answer(&vault, uid, &entrance, &line).await;
            assert!(
                answer.contains("what the server wrote to control.token"),
                "{answer}"
            );
            assert!(!answer.contains(token));
        }
    }
    assert_eq!(users(&vault).await, 1);
    let unknown = answer(&vault, OWN, &entrance, &format!("{token} \"dance\"")).await;
    assert!(unknown.contains("does not know this command"), "{unknown}");
    let line = format!("{token} {command}");
    let done = answer(&vault, OWN, &entrance, &line).await;
    assert!(done.starts_with(r#"{"Ok":{"user":"#), "{done}");
    assert_eq!(users(&vault).await, 2);
    vault.close().await;
}

const OWN: u32 = 1_000;
const FOREIGN: u32 = 1_001;

/// What somebody who is not let in would like to have done.
fn intrusion() -> String {
    let name = "intruder".to_owned();
    serde_json::to_string(&LocalCommand::CreateUser { name }).unwrap()
}

fn entrance(directory: &std::path::Path) -> Entrance {
    Entrance {
        own_uid: OWN,
        token: Token::write(directory, &SystemEntropy).unwrap(),
    }
}

/// What a peer hears who says one line.
async fn answer(vault: &Vault, peer: u32, entrance: &Entrance, line: &str) -> String {
    let (mut client, server) = tokio::net::UnixStream::pair().unwrap();
    let line = format!("{line}\n");
    let mut heard = String::new();
    let talk = async {
        client.write_all(line.as_bytes()).await.unwrap();
        client.read_to_string(&mut heard).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(converse(server, vault, peer, entrance), talk);
    outcome.unwrap();
    heard
}

async fn users(vault: &Vault) -> usize {
    match execute(vault, OWN, LocalCommand::ListUsers).await {
        Ok(LocalAnswer::Users(users)) => users.len(),
        _ => panic!("no users"),
    }
}

#[tokio::test]
async fn commands_through_the_socket_are_those_done_in_process() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let data = directory.path().join("data");
    let own = own_uid(directory.path());
    let socket = ControlSocket::bind(&data, vault.clone(), own).unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(socket.run(shutdown.clone()));

    let name = "planner".to_owned();
    let command = LocalCommand::CreateUser { name };
    let Ok(LocalAnswer::User(user)) = call(&data, &command).await.unwrap() else {
        panic!("no user");
    };
    let again = call(&data, &command).await.unwrap();
    assert_eq!(message(again), "A user of this name exists.");

    let request = KeyRequest {
        user: user.user_id.to_string(),
        name: "agent".to_owned(),
        scopes: [Scope::Use].into_iter().collect(),
        tools: vec!["linear__*".to_owned()],
        expires_at: None,
        any_user: false,
    };
    let command = LocalCommand::CreateKey(request);
    let Ok(LocalAnswer::IssuedKey { info, key }) = call(&data, &command).await.unwrap() else {
        panic!("no key");
    };
    assert!(key.starts_with(&format!("tvk_{}_", info.key_id)));

    let user = Some("planner".to_owned());
    let listing = LocalCommand::ListKeys { user };
    let Ok(LocalAnswer::Keys(here)) = execute(&vault, own, listing.clone()).await else {
        panic!("no keys");
    };
    let Ok(LocalAnswer::Keys(there)) = call(&data, &listing).await.unwrap() else {
        panic!("no keys");
    };
    assert_eq!(here, vec![info]);
    assert_eq!(here, there);

    shutdown.cancel();
    running.await.unwrap();
    assert!(!data.join("control.sock").exists());
    assert!(!data.join("control.token").exists());
    vault.close().await;
}

#[tokio::test]
async fn a_checkpoint_is_found_in_the_trail_or_reported() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let verify = async |checkpoint| {
        let command = LocalCommand::VerifyAudit {
            public_key: None,
            checkpoint,
        };
        let Ok(LocalAnswer::Verified(report)) = execute(&vault, 0, command).await else {
            panic!("not verified");
        };
        report
    };
    let first = verify(None).await;
    assert!(first.ok);
    let name = "later".to_owned();
    let created = execute(&vault, 0, LocalCommand::CreateUser { name }).await;
    assert!(created.is_ok());
    let checkpoint = Checkpoint {
        pages: first.pages,
        head: first.head,
    };
    assert!(verify(Some(checkpoint.clone())).await.ok);

    let of_another_trail = Checkpoint {
        head: "00".repeat(32),
        ..checkpoint.clone()
    };
    let beyond_the_end = Checkpoint {
        pages: checkpoint.pages + 100,
        ..checkpoint
    };
    for checkpoint in [of_another_trail, beyond_the_end] {
        let report = verify(Some(checkpoint)).await;
        assert!(!report.ok);
        assert_eq!(report.faults.len(), 1);
    }
    vault.close().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(directory.path()).await;
    let refusal = async |command| message(execute(&vault, 0, command).await);
    let key = "12345678".to_owned();
    assert_eq!(
        refusal(LocalCommand::RevokeKey { key }).await,
        "there is no key with this id"
    );
    let user = "nobody".to_owned();
    assert_eq!(
        refusal(LocalCommand::DisableUser { user }).await,
        "there is no user 'nobody'"
    );
    let name = String::new();
    assert_eq!(
        refusal(LocalCommand::CreateUser { name }).await,
        "a name has 1 to 1024 characters, none of them NUL"
    );
    let public_key = Some("abc".to_owned());
    let command = LocalCommand::VerifyAudit {
        public_key,
        checkpoint: None,
    };
    assert_eq!(
        refusal(command).await,
        "a public key is 64 hexadecimal digits"
    );
    vault.close().await;
}
