//! The relay between agents and a scripted tool server.
//!
//! [`Upstream`] is the server, [`Client`] an agent, [`Gate`] a Toolvault server between them.

mod client;
mod upstream;

use toolvault_gateway::settings::{HttpServer, OAuthSettings, Transport};
use toolvault_gateway::{GatewaySettings, ServerSettings, Template};

pub(crate) use client::{Client, ERAS, Era, Events, Reply};
pub(crate) use upstream::{Said, Upstream};

use crate::harness::{Actor, World};

/// A Toolvault server with one tool server: `/mcp/linear`.
pub(crate) struct Gate {
    pub(crate) world: World,
    pub(crate) upstream: Upstream,
}

pub(crate) const PATH: &str = "/mcp/linear";

impl Gate {
    /// A gate to a server with these tools.
    pub(crate) async fn start(tools: &[&str]) -> Self {
        Self::start_with(tools, |_, _| {}).await
    }

    /// As [`Gate::start`], with a test's own settings of the gateway and of the server.
    pub(crate) async fn start_with(
        tools: &[&str],
        change: impl FnOnce(&mut GatewaySettings, &mut ServerSettings),
    ) -> Self {
        let upstream = Upstream::start(tools).await;
        let mut server = settings_of(&upstream);
        let world = World::start_with(|settings| {
            let gateway = &mut settings.server.gateway;
            change(gateway, &mut server);
            gateway.servers.insert("linear".parse().unwrap(), server);
        })
        .await;
        Self { world, upstream }
    }

    /// The first user's agent.
    pub(crate) async fn agent(&self, era: Era) -> Client {
        self.client(&self.world.agent(), era).await
    }

    /// A client with this credential.
    pub(crate) async fn client(&self, actor: &Actor, era: Era) -> Client {
        Client::begin(&self.world, actor, PATH, era).await
    }
}

/// The default settings of this server.
pub(crate) fn settings_of(upstream: &Upstream) -> ServerSettings {
    settings_at(&format!("http://{}/mcp", upstream.address))
}

/// The default settings of a server at this URL.
pub(crate) fn settings_at(url: &str) -> ServerSettings {
    ServerSettings {
        transport: Transport::Http(HttpServer {
            url: Template::parse(url).unwrap(),
            headers: Vec::new(),
            allow_private_network: true,
            ca_file: None,
            oauth: OAuthSettings::default(),
        }),
        credential_arguments: std::collections::BTreeSet::new(),
        allow_override: false,
        pin: toolvault_gateway::settings::Pin::default(),
        approval: toolvault_gateway::settings::ApprovalRules::default(),
        secure_parameters: false,
    }
}
