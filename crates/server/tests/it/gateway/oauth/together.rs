//! On `/mcp`, a server that wants a sign-in does not vanish: a tool stands for its tools.

use super::super::relay::ERAS;
use super::*;

#[tokio::test]
async fn a_server_that_wants_a_sign_in_says_so_among_the_tools_of_others() {
    let open = Upstream::start(&[r#"{"name":"read","inputSchema":{"type":"object"}}"#]).await;
    for era in ERAS {
        let other = settings_of(&open);
        let scene = Scene::start_with(|settings, _| {
            settings.servers.insert("other".parse().unwrap(), other);
        })
        .await;
        let agent = Client::begin(&scene.world, &scene.world.agent(), "/mcp", era).await;
        let names = agent.tool_names().await;
        assert_eq!(names, ["other__read", "linear__sign_in"]);
        let greeting = match era {
            Era::Legacy => agent.initialize().await.message()["result"].clone(),
            Era::Modern => agent.result("server/discover", "{}").await,
        };
        let instructions = greeting["instructions"].as_str().unwrap();
        assert!(instructions.contains("#/connect/linear"), "{instructions}");
        let reply = agent.call("linear__sign_in", "{}").await;
        let text = reply.tool_error();
        assert!(text.contains("#/connect/linear"), "{text}");
        scene.connect().await;
        let mut names = agent.tool_names().await;
        names.sort();
        assert_eq!(names, ["linear__send", "other__read"]);
    }
}
