//! Servers at which people sign in: an honest authorization server, and one that lies.

mod attacks;
mod authority;
mod descriptions;
mod machines;
mod renewing;
mod signing_in;
mod together;

use std::sync::Arc;

use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::{BegunConnection, ConnectError, Gateway};
use toolvault_gateway::oauth::AuthorizationAnswer;
use toolvault_vault::{Caller, Connection, SystemEntropy};

use self::authority::Authority;
use super::relay::{Client, Era, PATH, Upstream, settings_of};
use crate::harness::World;

const TOOL: &str = r#"{"name":"send","inputSchema":{"type":"object"}}"#;
const REDIRECT: &str = "http://127.0.0.1:4711/callback";

/// A Toolvault server, a tool server that wants a sign-in, and its authorization server.
struct Scene {
    world: World,
    upstream: Upstream,
    authority: Authority,
    /// Another gateway to the same vault, at which the person signs in.
    desk: Gateway,
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut GatewaySettings, &Authority)) -> Self {
        let upstream = Upstream::start(&[TOOL]).await;
        let authority = Authority::start().await;
        authority.guards(&upstream);
        let mut settings = GatewaySettings::default();
        let name = "linear".parse().unwrap();
        settings.servers.insert(name, settings_of(&upstream));
        change(&mut settings, &authority);
        let own = settings.clone();
        let world = World::start_with(|all| all.server.gateway = own).await;
        let clock = Arc::clone(&world.clock) as Arc<_>;
        let desk = Gateway::new(
            world.vault.clone(),
            settings,
            clock,
            Arc::new(SystemEntropy),
        );
        Self {
            desk: desk.unwrap(),
            world,
            upstream,
            authority,
        }
    }

    /// The person who owns the first user's account.
    fn person(&self) -> Caller {
        self.world.local(self.world.keys.user)
    }

    async fn begin(&self) -> Result<BegunConnection, ConnectError> {
        let person = self.person();
        let desk = &self.desk;
        desk.begin_connection(&person, "linear", REDIRECT, None)
            .await
    }

    async fn complete(
        &self,
        flow: &str,
        answer: AuthorizationAnswer,
    ) -> Result<Connection, ConnectError> {
        let person = self.person();
        let desk = &self.desk;
        desk.complete_connection(&person, "linear", flow, answer)
            .await
    }

    /// Signs the person in.
    async fn connect(&self) -> Connection {
        let begun = self.begin().await.unwrap();
        let answer = self.authority.signs_in(&begun.authorization_url);
        self.complete(&begun.flow, answer).await.unwrap()
    }

    /// An agent, which may not be able to begin its session yet.
    async fn agent(&self, era: Era) -> Client {
        Client::begin(&self.world, &self.world.agent(), PATH, era).await
    }

    /// An agent that does not begin.
    fn unbegun(&self, era: Era) -> Client {
        let mut agent = Client::unbegun(&self.world, &self.world.agent(), PATH, era);
        agent.capabilities = json!({});
        agent
    }

    /// The tokens that the tool server received with calls.
    fn tokens_sent(&self) -> Vec<String> {
        let calls = self.upstream.heard("tools/call").into_iter();
        calls
            .filter_map(|call| call.header("authorization"))
            .collect()
    }
}

fn answer(code: Option<&str>, state: &str, iss: Option<&str>) -> AuthorizationAnswer {
    AuthorizationAnswer {
        code: code.map(|code| Wiped::new(code.to_owned())),
        error: None,
        state: state.to_owned(),
        iss: iss.map(str::to_owned),
    }
}
