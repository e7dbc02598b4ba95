//! Who is admitted, and commands through a real socket.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    DatabaseLocation, Opened, RootKeySource, Settings, SystemClock, SystemEntropy, Vault,
};

use super::listener::{converse, is_admitted};
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
    let (mut client, server) = tokio::net::UnixStream::pair().unwrap();
    let (foreign, own) = (1_001, 1_000);
    let name = "intruder".to_owned();
    let command = serde_json::to_string(&LocalCommand::CreateUser { name }).unwrap();
    client
        .write_all(format!("{command}\n").as_bytes())
        .await
        .unwrap();
    converse(server, &vault, foreign, own).await.unwrap();
    let answer = read_all(client).await;
    assert!(answer.contains("only from its own user"), "{answer}");
    let Ok(LocalAnswer::Users(users)) = execute(&vault, own, LocalCommand::ListUsers).await else {
        panic!("no users");
    };
    assert_eq!(users.len(), 1);
    vault.close().await;
}

async fn read_all(mut stream: tokio::net::UnixStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
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
