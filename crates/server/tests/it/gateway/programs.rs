//! A tool server that is a program: started for one caller with their secrets, and stopped when they lose the right to
//! them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use toolvault_core::scope::Scope::Use;
use toolvault_gateway::settings::{Sandbox, StdioServer, Transport};
use toolvault_gateway::{GatewaySettings, ServerSettings, Template};

use super::relay::{Client, ERAS, Era, PATH};
use crate::harness::World;

/// It answers in both eras; its tool `send` returns its arguments, its environment and its process ID.
pub(super) const PROGRAM: &str = r#"
import json, os, sys
def say(message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    method, params = asked.get("method"), asked.get("params", {})
    if "id" not in asked: continue
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "p", "version": "1"}}
    elif method == "server/discover":
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"to": {}, "api_key": {"type": "string"}}}
        result = {"tools": [{"name": "send", "inputSchema": schema}]}
    elif method == "tools/call":
        progress = {"progressToken": params.get("_meta", {}).get("progressToken"), "progress": 1, "message": os.environ.get("TOKEN", "")}
        if progress["progressToken"] is not None: say({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        sys.stderr.write("I was given " + os.environ.get("TOKEN", "") + "\n")
        given = {"arguments": params.get("arguments"), "id": asked["id"], "pid": os.getpid(), "token": os.environ.get("TOKEN"), "variables": sorted(os.environ)}
        given["lengths"] = {"token": len(os.environ.get("TOKEN", "")), "api_key": len(params.get("arguments", {}).get("api_key", ""))}
        result = {"content": [], "structuredContent": given}
    elif method == "exit":
        sys.exit(1)
    else:
        say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}}); continue
    say({"jsonrpc": "2.0", "id": asked["id"], "result": result})
"#;

fn program(directory: &Path, code: &str) -> ServerSettings {
    let file = directory.join("program.py");
    std::fs::write(&file, code).unwrap();
    let token = Template::parse("secret://files-token").unwrap();
    ServerSettings {
        transport: Transport::Stdio(StdioServer {
            command: vec!["python3".to_owned(), file.to_str().unwrap().to_owned()],
            env: BTreeMap::from([("TOKEN".to_owned(), token)]),
            directory: None,
        }),
        credential_arguments: ["api_key".to_owned()].into(),
        allow_override: false,
        pin: toolvault_gateway::settings::Pin::default(),
        approval: toolvault_gateway::settings::ApprovalRules::default(),
        secure_parameters: false,
    }
}

/// A world whose first user has the program's secret.
async fn world() -> (World, String) {
    world_with(|_| {}).await
}

async fn world_with(change: impl FnOnce(&mut GatewaySettings)) -> (World, String) {
    world_of(PROGRAM, change).await
}

pub(super) async fn world_of(
    code: &str,
    change: impl FnOnce(&mut GatewaySettings),
) -> (World, String) {
    let world = World::start_with(|settings| {
        settings.server.limits.shutdown_seconds = 3;
        let server = program(settings.directory.path(), code);
        let gateway = &mut settings.server.gateway;
        change(gateway);
        // This test binary cannot sandbox a program.
        gateway.sandbox = Sandbox::Off;
        gateway.inherited = vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())];
        gateway.servers.insert("linear".parse().unwrap(), server);
    })
    .await;
    let operator = world.operator();
    let id = operator.named("files-token", "a token of the files").await;
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    (world, id)
}

async fn given(client: &Client) -> serde_json::Value {
    let reply = client
        .call("send", r#"{"to":1.50,"api_key":"made up"}"#)
        .await;
    let result = reply.message().get("result");
    let result = result.unwrap_or_else(|| panic!("{reply:?}"));
    result["structuredContent"].clone()
}

#[tokio::test]
async fn it_gets_its_secrets_and_nothing_of_them_comes_back() {
    let (world, _) = world().await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        assert!(!agent.ask("tools/list", "{}").await.text.contains("api_key"));
        let given = given(&agent).await;
        assert_eq!(given["token"], "[secret:files-token]");
        assert_eq!(
            given["arguments"]["api_key"],
            "[secret:api_key of linear__send]"
        );
        // The program did receive them.
        assert_eq!(
            given["lengths"],
            json!({"token": 20, "api_key": 22}),
            "{era:?}"
        );
        let variables = given["variables"].as_array().unwrap();
        assert!(variables.contains(&json!("TOKEN")) && variables.contains(&json!("PATH")));
        let is_ours = |name: &serde_json::Value| name.as_str().unwrap().starts_with("CARGO");
        assert!(!variables.iter().any(is_ours), "{variables:?}");
        let params = r#"{"name":"send","arguments":{},"_meta":{"progressToken":"mine"}}"#;
        if era == Era::Legacy {
            let reply = agent.ask("tools/call", params).await;
            let progress = &reply.messages[0]["params"];
            assert_eq!(progress["progressToken"], "mine");
            assert_eq!(progress["message"], "[secret:files-token]");
            assert_eq!(reply.message()["id"], 7);
        }
    }
}

#[tokio::test]
async fn two_sessions_of_one_caller_share_it_and_two_callers_do_not() {
    let (world, _) = world().await;
    let other = world.other_tenant().await;
    other.named("files-token", "another token of files").await;
    other
        .default_for("linear__send", "api_key", "another value altogether")
        .await;
    let second_key = world.scoped(&[Use]).await;
    let first = Client::begin(&world, &world.agent(), PATH, Era::Legacy).await;
    let second = Client::begin(&world, &world.agent(), PATH, Era::Legacy).await;
    let pid = given(&first).await["pid"].clone();
    let again = given(&second).await;
    assert_eq!(again["pid"], pid);
    for actor in [&other, &second_key] {
        let client = Client::begin(&world, actor, PATH, Era::Legacy).await;
        assert_ne!(given(&client).await["pid"], pid);
    }
    // Both clients used the ID 7. The program received two IDs, and each client got its own back.
    let (left, right) = tokio::join!(first.call("send", "{}"), second.call("send", "{}"));
    let id =
        |reply: &super::relay::Reply| reply.message()["result"]["structuredContent"]["id"].clone();
    assert_ne!(id(&left), id(&right));
    for reply in [&left, &right] {
        assert_eq!(reply.message()["id"], 7);
    }
}

#[tokio::test]
async fn a_rotated_secret_ends_it_and_the_next_call_has_a_new_one() {
    let (world, id) = world().await;
    for (era, token) in [
        (Era::Legacy, "a longer token of the files"),
        (Era::Modern, "the third"),
    ] {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        let before = given(&agent).await;
        let rotated = json!({"secret_value": token});
        world
            .operator()
            .patch(&format!("/v1/secrets/{id}"), &rotated)
            .await
            .expect(200);
        let after = given(&agent).await;
        assert_ne!(before["pid"], after["pid"], "{era:?}");
        assert_eq!(after["lengths"]["token"], token.len());
        assert_eq!(after["token"], "[secret:files-token]");
    }
    world.operator().delete(&format!("/v1/secrets/{id}")).await;
    let agent = Client::unbegun(&world, &world.agent(), PATH, Era::Modern);
    let refused = agent.call("send", "{}").await;
    assert!(refused.tool_error().contains("'env.TOKEN'"), "{refused:?}");
}

#[tokio::test]
async fn a_program_that_ends_fails_its_request_and_is_started_again() {
    let (world, _) = world().await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        let before = given(&agent).await;
        let failed = agent.ask("exit", "{}").await;
        assert!(failed.message().get("error").is_some(), "{failed:?}");
        assert_eq!(failed.message()["id"], 7);
        let after = given(&agent).await;
        assert_ne!(before["pid"], after["pid"], "{era:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_its_stream_and_its_program() {
    let (world, _) = world().await;
    let holder = world.scoped(&[Use]).await;
    let agent = Client::begin(&world, &holder, PATH, Era::Legacy).await;
    let pid = given(&agent).await["pid"].to_string();
    let mut news = agent.listen().await;
    world
        .operator()
        .delete(&format!("/v1/keys/{}", holder.key_id))
        .await;
    assert!(news.next().await.is_none());
    gone(&pid).await;
    assert_eq!(agent.ask("ping", "{}").await.head.status, 401);
}

/// Waits until a process is gone from the process list.
async fn gone(pid: &str) {
    let ending = async {
        while Path::new("/proc").join(pid).exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let guard = Duration::from_mins(1);
    let ended = tokio::time::timeout(guard, ending).await;
    ended.expect("it ends in time");
}

#[tokio::test]
async fn a_program_that_nothing_uses_ends() {
    let (world, _) = world().await;
    let settings = settings(&world);
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        let pid = given(&agent).await["pid"].to_string();
        pass(&world, &settings, settings.limits.process_idle);
        gone(&pid).await;
        // The next call restarts it.
        assert_eq!(given(&agent).await["lengths"]["token"], 20, "{era:?}");
    }
}

#[tokio::test]
async fn what_a_caller_built_and_does_not_use_ends() {
    let (world, _) = world().await;
    let mut settings = settings(&world);
    // Not the program's own limit ends it.
    settings.limits.process_idle = Duration::MAX;
    let agent = Client::begin(&world, &world.agent(), PATH, Era::Modern).await;
    let pid = given(&agent).await["pid"].to_string();
    pass(&world, &settings, settings.limits.session_idle);
    gone(&pid).await;
}

/// Lets this time pass, and has the gateway look for what is idle, as it also does every few seconds.
fn pass(world: &World, settings: &GatewaySettings, time: Duration) {
    world.clock.advance(time.as_secs().try_into().unwrap());
    world.handle.reload_gateway(settings.clone()).unwrap();
}

#[tokio::test]
async fn a_rotated_secret_ends_a_program_before_anything_else_is_asked() {
    let (world, id) = world().await;
    let agent = Client::begin(&world, &world.agent(), PATH, Era::Modern).await;
    let pid = given(&agent).await["pid"].to_string();
    let rotated = json!({"secret_value": "another token of the files"});
    let path = format!("/v1/secrets/{id}");
    world.operator().patch(&path, &rotated).await.expect(200);
    gone(&pid).await;
}

/// The settings that a world started with.
fn settings(world: &World) -> GatewaySettings {
    let server = program(world.directory.path(), PROGRAM);
    GatewaySettings {
        sandbox: Sandbox::Off,
        inherited: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
        servers: BTreeMap::from([("linear".parse().unwrap(), server)]),
        ..GatewaySettings::default()
    }
}

#[tokio::test]
async fn a_reload_with_another_sandbox_ends_programs() {
    let (world, _) = world().await;
    let agent = Client::begin(&world, &world.agent(), PATH, Era::Modern).await;
    let pid = given(&agent).await["pid"].to_string();
    let mut settings = settings(&world);
    world.handle.reload_gateway(settings.clone()).unwrap();
    assert_eq!(given(&agent).await["pid"].to_string(), pid);
    settings.inherited.push(("LANG".to_owned(), "C".to_owned()));
    world.handle.reload_gateway(settings).unwrap();
    gone(&pid).await;
    let variables = given(&agent).await["variables"].clone();
    assert!(variables.as_array().unwrap().contains(&json!("LANG")));
}

#[tokio::test]
async fn one_program_more_than_a_caller_may_have_is_refused_in_words() {
    let (world, _) = world_with(|gateway| gateway.limits.processes_per_caller = 1).await;
    // Each era has its own program.
    let legacy = Client::begin(&world, &world.agent(), PATH, Era::Legacy).await;
    given(&legacy).await;
    let modern = Client::unbegun(&world, &world.agent(), PATH, Era::Modern);
    let refused = modern.call("send", "{}").await;
    assert_eq!(refused.error(), (1002, "Too many programs are running."));
    given(&legacy).await;
}

#[tokio::test]
async fn many_keys_of_one_user_leave_half_of_the_programs_to_others() {
    let (world, _) = world_with(|gateway| {
        gateway.limits.processes = 4;
        gateway.limits.processes_per_caller = 1;
    })
    .await;
    for is_refused in [false, false, true] {
        let key = world.scoped(&[Use]).await;
        let client = Client::unbegun(&world, &key, PATH, Era::Modern);
        let answer = client.call("send", "{}").await;
        let refused = (1002, "Too many programs are running.");
        assert!(!is_refused || answer.error() == refused);
        assert!(is_refused || answer.message()["result"].is_object());
    }
}

#[tokio::test]
async fn a_reload_with_another_number_of_programs_ends_none_and_holds_for_the_next_one() {
    let (world, _) = world_with(|gateway| gateway.limits.processes = 1).await;
    let first = Client::begin(&world, &world.agent(), PATH, Era::Legacy).await;
    let pid = given(&first).await["pid"].to_string();
    // Another key has its own programs.
    let second = Client::unbegun(&world, &world.scoped(&[Use]).await, PATH, Era::Modern);
    let refused = second.call("send", "{}").await;
    assert_eq!(refused.error(), (1002, "Too many programs are running."));
    let mut settings = settings(&world);
    settings.limits.processes = 2;
    world.handle.reload_gateway(settings.clone()).unwrap();
    given(&second).await;
    assert_eq!(given(&first).await["pid"].to_string(), pid);
    // A limit that connections were made with.
    settings.limits.message_bytes = 1 << 20;
    world.handle.reload_gateway(settings).unwrap();
    gone(&pid).await;
    assert_eq!(given(&first).await["lengths"]["token"], 20);
}

#[tokio::test]
async fn one_that_does_not_end_keeps_the_server_no_longer_than_its_limit() {
    let stubborn = PROGRAM.replacen(
        "import json, os, sys",
        "import json, os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
        1,
    );
    let code = format!("{stubborn}while True: time.sleep(1)\n");
    let (mut world, _) = world_of(&code, |_| {}).await;
    let agent = Client::begin(&world, &world.agent(), PATH, Era::Legacy).await;
    given(&agent).await;
    // A request that never ends uses its part of the time limit first.
    let head = world.operator().head("POST", "/v1/secrets/");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let begun = format!("{head}content-length: 100\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(begun.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    let told = Instant::now();
    world.shutdown.cancel();
    world.running.take().unwrap().await.unwrap().unwrap();
    let taken = told.elapsed();
    assert!(taken < Duration::from_millis(3_500), "{taken:?}");
    assert!(taken > Duration::from_secs(2), "{taken:?}");
}
