//! An actor with a credential, and their requests.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::Scope;
use toolvault_vault::{
    AuditFilter, AuditPage, Caller, Completed, Error, IssuedKey, ListFilter, NewKey, NewSecret,
    OnBehalf, SecretAnswer, SecretChange, SecretInfo, Vault,
};

use super::app::{App, key};
use super::calls::{Answered, call};

#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) vault: Vault,
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) key: String,
}

impl Actor {
    pub(crate) fn new(app: &App, caller: Caller, key: String) -> Self {
        Self {
            vault: app.vault.clone(),
            app: app.clone(),
            caller,
            key,
        }
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.key[4..12].parse().unwrap()
    }

    /// Presents the key again, as each request does.
    pub(crate) async fn sign_in_again(&self) -> Result<Self, Error> {
        let caller = self
            .vault
            .authenticate_key(&self.key, OnBehalf::Unnamed, false)
            .await?;
        Ok(Self {
            caller,
            ..self.clone()
        })
    }

    pub(crate) async fn try_store(&self, new: NewSecret) -> Result<SecretAnswer, Error> {
        self.vault.create_secret(&self.caller, new, None).await
    }

    pub(crate) async fn store(&self, new: NewSecret) -> SecretInfo {
        self.try_store(new).await.unwrap().info
    }

    pub(crate) async fn change(
        &self,
        id: SecretId,
        change: SecretChange,
    ) -> Result<SecretAnswer, Error> {
        self.vault
            .update_secret(&self.caller, id, change, Vec::new())
            .await
    }

    pub(crate) async fn set_value(&self, id: SecretId, value: &str) -> SecretInfo {
        let change = SecretChange {
            value: Some(Confidential::from(value)),
            ..SecretChange::default()
        };
        self.change(id, change).await.unwrap().info
    }

    pub(crate) async fn delete(&self, id: SecretId) -> Result<(), Error> {
        self.vault.delete_secret(&self.caller, id, Vec::new()).await
    }

    pub(crate) async fn list(&self) -> Vec<SecretInfo> {
        let filter = ListFilter {
            limit: 1_000,
            ..ListFilter::default()
        };
        let list = self.vault.list_secrets(&self.caller, &filter).await;
        list.unwrap().secrets
    }

    /// Resolves one tool without arguments.
    pub(crate) async fn resolve(&self, tool: &str) -> Result<Completed, Error> {
        call(tool).resolve(self).await
    }

    /// The value that the tool receives for `api_token`.
    pub(crate) async fn token(&self, tool: &str) -> String {
        self.resolve(tool).await.unwrap().text("api_token").unwrap()
    }

    pub(crate) async fn issue(&self, new: NewKey) -> Result<IssuedKey, Error> {
        self.vault.create_key(&self.caller, new).await
    }

    /// A key made with this one, in use.
    pub(crate) async fn delegate(&self, new: NewKey) -> Self {
        let issued = self.issue(new).await.unwrap();
        self.app
            .with(&self.vault)
            .sign_in(issued.key.expose())
            .await
    }

    /// A key with these scopes that is limited to `patterns`, in use.
    pub(crate) async fn limited(&self, scopes: &[Scope], patterns: &[&str]) -> Self {
        let new = NewKey {
            tools: patterns.iter().map(|text| pattern(text)).collect(),
            ..key("limited", scopes)
        };
        self.delegate(new).await
    }

    pub(crate) async fn audit(&self, filter: &AuditFilter) -> AuditPage {
        self.vault.list_audit(&self.caller, filter).await.unwrap()
    }

    /// The newest 1,000 records of an action, newest first.
    pub(crate) async fn records(&self, action: Action) -> Vec<Record> {
        let filter = AuditFilter {
            action: Some(action),
            ..any_record()
        };
        self.audit(&filter).await.records
    }
}

impl App {
    /// The same actor on another vault.
    pub(crate) fn with(&self, vault: &Vault) -> Self {
        Self {
            vault: vault.clone(),
            ..self.clone()
        }
    }
}

pub(crate) fn any_record() -> AuditFilter {
    AuditFilter {
        since: None,
        until: None,
        action: None,
        secret: None,
        tool: None,
        limit: 1_000,
        cursor: None,
    }
}

pub(crate) fn pattern(text: &str) -> ToolPattern {
    ToolPattern::parse(text).unwrap()
}

/// A secret that is not bound.
pub(crate) fn secret(name: &str, value: &str) -> NewSecret {
    NewSecret {
        name: name.to_owned(),
        value: Confidential::from(value),
        tool: None,
        argument: None,
        is_default: false,
    }
}

pub(crate) trait NewSecretExt: Sized {
    fn bound(self, tool: &str, argument: &str) -> Self;
    fn default_for(self, tool: &str, argument: &str) -> Self;
}

impl NewSecretExt for NewSecret {
    fn bound(mut self, tool: &str, argument: &str) -> Self {
        self.tool = Some(pattern(tool));
        self.argument = Some(argument.to_owned());
        self
    }

    fn default_for(self, tool: &str, argument: &str) -> Self {
        let mut secret = self.bound(tool, argument);
        secret.is_default = true;
        secret
    }
}
