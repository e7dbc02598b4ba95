//! Users: create, find, list, change and delete.

use serde_json::{Value, json};
use toolvault_core::identity::UserId;
use toolvault_gateway::http::{Method, Url};
use toolvault_vault::UserInfo;

use super::{Api, Body, List, only_one};
use crate::failure::Failure;

impl Api<'_> {
    fn user_url(&self, user: UserId) -> Url {
        self.url(&["users", &user.to_string()])
    }

    /// Creates a user.
    pub(crate) async fn create_user(&self, name: &str) -> Result<UserInfo, Failure> {
        let body = Body::json(&json!({ "name": name }));
        self.fetch(Method::POST, &self.url(&["users"]), body).await
    }

    /// Sets what `change` contains: `disabled`, `secrets_limit`, `bytes_limit`.
    pub(crate) async fn change_user(
        &self,
        user: UserId,
        change: &Value,
    ) -> Result<UserInfo, Failure> {
        let body = Body::json(change);
        self.fetch(Method::PATCH, &self.user_url(user), body).await
    }

    /// Deletes a user with all their secrets and keys.
    pub(crate) async fn delete_user(&self, user: UserId) -> Result<(), Failure> {
        self.send(Method::DELETE, &self.user_url(user), Body::Nothing)
            .await?;
        Ok(())
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_sessions(&self, user: UserId) -> Result<(), Failure> {
        let url = self.url(&["users", &user.to_string(), "sessions"]);
        self.send(Method::DELETE, &url, Body::Nothing).await?;
        Ok(())
    }

    /// All users, or those with the given name; oldest first.
    pub(crate) async fn list_users(&self, name: Option<&str>) -> Result<Vec<UserInfo>, Failure> {
        let mut url = self.url(&["users"]);
        if let Some(name) = name {
            url.query_pairs_mut().append_pair("name", name);
        }
        let list: List<UserInfo> = self.fetch(Method::GET, &url, Body::Nothing).await?;
        Ok(list.data)
    }

    /// The only user with this ID or name.
    pub(crate) async fn find_user(&self, text: &str) -> Result<UserInfo, Failure> {
        if let Ok(id) = uuid::Uuid::try_parse(text) {
            let users = self.list_users(None).await?;
            let mut users = users.into_iter();
            if let Some(user) = users.find(|user| user.user_id == UserId(id)) {
                return Ok(user);
            }
        }
        let named = self.list_users(Some(text)).await?;
        only_one(named, "user", text, |user| user.user_id.to_string())
    }
}
