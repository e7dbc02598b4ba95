//! Callers: a credential, and the requests sent with it.

use std::net::SocketAddr;

use serde_json::Value;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_vault::{Clock as _, NewKey};

use super::{Answer, World, exchange};

/// A caller, with the headers that they always send.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) address: SocketAddr,
    headers: Vec<(String, String)>,
    /// The user for whom the actor acts.
    pub(crate) user: UserId,
    /// The id of the actor's key, if they have one.
    pub(crate) key_id: String,
}

/// The properties of a new key.
#[derive(Clone, Default)]
pub(crate) struct Rights<'a> {
    pub(crate) scopes: &'a [Scope],
    pub(crate) tools: &'a [&'a str],
    pub(crate) any_user: bool,
    /// In seconds of the vault's clock.
    pub(crate) expires_in: Option<i64>,
    /// `None` for the first user.
    pub(crate) user: Option<UserId>,
}

impl World {
    /// A caller without a credential.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor {
            address: self.address,
            headers: Vec::new(),
            user: self.keys.user,
            key_id: String::new(),
        }
    }

    /// The operator of the first user, with the first key.
    pub(crate) fn operator(&self) -> Actor {
        let key = self.keys.operator.expose();
        let id = self.keys.operator.id().to_string();
        self.anonymous().with_key_id(id).with("x-api-key", key)
    }

    /// The first user's agent, with the second key.
    pub(crate) fn agent(&self) -> Actor {
        let key = self.keys.agent.expose();
        let id = self.keys.agent.id().to_string();
        self.anonymous().with_key_id(id).with("x-api-key", key)
    }

    /// The holder of a new key.
    pub(crate) async fn holder(&self, rights: Rights<'_>) -> Actor {
        let user = rights.user.unwrap_or(self.keys.user);
        let expires_in = rights.expires_in.or(rights.any_user.then_some(86_400));
        let new = NewKey {
            name: "made by the test".to_owned(),
            scopes: rights.scopes.iter().copied().collect::<ScopeSet>(),
            tools: rights
                .tools
                .iter()
                .map(|text| ToolPattern::parse(text).unwrap())
                .collect(),
            expires_at: expires_in.map(|seconds| self.clock.now().plus(seconds * 1_000_000)),
            any_user: rights.any_user,
            user: Some(user),
        };
        let issued = self.vault.create_key(&self.local(user), new).await.unwrap();
        let mut actor = self.anonymous();
        actor.user = user;
        actor
            .with_key_id(issued.info.key_id.to_string())
            .with("x-api-key", issued.key.expose())
    }

    /// The holder of a new key of the first user with these scopes.
    pub(crate) async fn scoped(&self, scopes: &[Scope]) -> Actor {
        self.holder(Rights {
            scopes,
            ..Rights::default()
        })
        .await
    }

    /// The holder of a key of a new user.
    pub(crate) async fn other_tenant(&self) -> Actor {
        let name = format!("somebody else {}", self.fresh_number());
        let user = self.new_user(&name).await;
        self.holder(Rights {
            scopes: &[Scope::Manage, Scope::Use, Scope::Resolve, Scope::Audit],
            user: Some(user),
            ..Rights::default()
        })
        .await
    }
}

impl Actor {
    /// The actor, with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The actor, acting for `user` with the header for it.
    pub(crate) fn acting_for(mut self, user: UserId) -> Self {
        self.user = user;
        self.with("x-toolvault-user", &user.to_string())
    }

    pub(super) fn with_key_id(mut self, id: String) -> Self {
        self.key_id = id;
        self
    }

    /// The actor, without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// The value of a header that the actor sends.
    pub(crate) fn sends(&self, name: &str) -> &str {
        self.find(name).unwrap()
    }

    /// The value of a header, if the actor sends it.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, b"").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json("PATCH", path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json("PUT", path, &body.to_string()).await
    }

    /// A body with the content type of JSON, as text of the test.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &str) -> Answer {
        let content_type = Some("application/json");
        self.send(method, path, content_type, body.as_bytes()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Answer {
        exchange(self.address, &self.bytes(method, path, content_type, body)).await
    }

    /// The request as raw bytes.
    pub(crate) fn bytes(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<u8> {
        let mut bytes = self.head(method, path);
        if let Some(content_type) = content_type {
            bytes = format!("{bytes}content-type: {content_type}\r\n");
        }
        if !matches!(method, "GET" | "DELETE" | "HEAD" | "OPTIONS") || !body.is_empty() {
            bytes = format!("{bytes}content-length: {}\r\n", body.len());
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    /// The head of a request without the empty line that ends it.
    pub(crate) fn head(&self, method: &str, path: &str) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str("host: localhost\r\n");
        }
        for (name, value) in &self.headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        head
    }
}
