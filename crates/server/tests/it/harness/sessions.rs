//! People in a browser: the cookie of a session and its token.

use serde_json::{Value, json};

use super::{Actor, Answer, World};

impl World {
    /// The answer to a sign-in with a key.
    pub(crate) async fn sign_in(&self, key: &str) -> Answer {
        let body = json!({ "key": key });
        self.anonymous().post("/v1/session", &body).await
    }

    /// The operator of the first user, signed in.
    pub(crate) async fn in_session(&self) -> Actor {
        let answer = self.sign_in(self.keys.operator.expose()).await;
        let id = self.keys.operator.id().to_string();
        let token = token_of(&answer.expect(200));
        let actor = self.anonymous().with_key_id(id);
        actor
            .with("cookie", &cookie_of(&answer))
            .with("x-csrf-token", &token)
    }
}

/// The cookie that an answer sets, as a browser sends it.
pub(crate) fn cookie_of(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// The token of a session.
pub(crate) fn token_of(session: &Value) -> String {
    session["csrf_token"].as_str().unwrap().to_owned()
}
