//! Invalid requests, which contain values, too.

use serde_json::json;

use super::{Flows, OCTETS, SECRETS};

impl Flows<'_> {
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    pub(super) async fn store_badly(&self, path: &str) {
        let value = self.fresh();
        // The second status is that of a value alone, which may be longer and stand beside anything.
        for (secret, whole, alone) in [
            (
                json!({"secret_name": [value], "secret_value": {"a": value}}),
                422,
                422,
            ),
            (
                json!({"secret_name": "n", "secret_value": [value]}),
                422,
                422,
            ),
            (
                json!({"secret_name": "n", "secret_value": value.repeat(100)}),
                422,
                200,
            ),
            (
                json!({"secret_name": "n", "secret_value": format!("{value}\0")}),
                422,
                422,
            ),
            (
                json!({"secret_name": "n", "secret_value": value, "is_default_for_tool": value}),
                422,
                200,
            ),
            (json!({"secret_name": "n", "value": value}), 422, 422),
            (json!([value]), 422, 422),
            (json!(value), 422, 422),
        ] {
            self.clean(&self.operator.post("/v1/secrets/", &secret).await, whole);
            let answer = self.operator.put(&format!("{path}/value"), &secret).await;
            self.clean(&answer, alone);
        }
        let text = json!({"secret_name": "n", "secret_value": value}).to_string();
        for (content_type, body, status) in [
            ("application/json", text[..text.len() - 1].to_owned(), 422),
            ("application/json", format!("{text}{text}"), 422),
            (
                "application/json",
                format!("{}{text}", "[".repeat(50_000)),
                400,
            ),
            ("text/plain", text.clone(), 415),
            (
                "application/x-www-form-urlencoded",
                format!("secret_value={value}"),
                415,
            ),
            (
                "application/json",
                format!("{{\"secret_value\":\"{value}\u{1}\"}}"),
                422,
            ),
        ] {
            let answer =
                self.operator
                    .send("POST", "/v1/secrets/", Some(content_type), body.as_bytes());
            self.clean(&answer.await, status);
        }
        let broken = [value.as_bytes(), b"\xff"].concat();
        let answer = self
            .operator
            .send("PUT", &format!("{path}/value"), OCTETS, &broken)
            .await;
        self.clean(&answer, 422);
        let stale = self.operator.clone().with("if-match", "\"0\"");
        let change = json!({"secret_value": self.fresh()});
        self.clean(&stale.patch(path, &change).await, 412);
        let unknown = "/v1/secrets/00000000-0000-7000-8000-000000000000";
        self.clean(&self.operator.patch(unknown, &change).await, 404);
        let stored = usize::try_from(self.operator.count().await).unwrap();
        for number in 0..SECRETS + 10 {
            let secret = json!({"secret_name": format!("{number}"), "secret_value": self.fresh()});
            let answer = self.operator.post("/v1/secrets/", &secret).await;
            self.clean(&answer, if stored + number < SECRETS { 200 } else { 413 });
        }
    }

    pub(super) async fn be_nobody(&self, path: &str) {
        let value = self.fresh();
        let bytes = value.bytes().map(|byte| format!("%{byte:02X}"));
        let encoded = bytes.collect::<Vec<_>>().concat();
        let harmless: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
        let change = json!({"secret_value": value});
        self.clean(&self.world.anonymous().patch(path, &change).await, 401);
        self.clean(&self.world.agent().patch(path, &change).await, 403);
        for name in ["token", "authorization", "x-api-key", "cookie"] {
            let actor = self.world.anonymous().with(name, &harmless);
            self.clean(&actor.patch(path, &change).await, 401);
        }
        for (asked, status) in [
            (format!("/v1/secrets/{encoded}"), 422),
            (format!("/v1/secrets/?limit={encoded}"), 422),
            (format!("/v1/secrets/?q={encoded}"), 200),
            (format!("/v1/keys/{encoded}/x"), 404),
            (format!("/{encoded}"), 404),
            (format!("/v1/audit?cursor={encoded}"), 422),
            (format!("/v1/audit?action={encoded}"), 422),
        ] {
            self.clean(&self.operator.get(&asked).await, status);
        }
        let answer = self
            .operator
            .send("BREW", path, None, value.as_bytes())
            .await;
        self.clean(&answer, 405);
    }

    /// A value where a model or a configuration might put one.
    pub(super) async fn misuse(&self) {
        let value = self.fresh();
        let path = "/v1/tools/linear__get";
        for (body, status) in [
            (json!({"bindings": {"key": value}}), 422),
            (json!({"bindings": {"key": [value]}}), 422),
            (
                json!({"bindings": {"key": format!("secret://{value}")}}),
                422,
            ),
            (json!({"args": value}), 422),
            (
                json!({"args": {"other": value}, "require": ["missing"]}),
                409,
            ),
            (json!({"accepts": value}), 422),
        ] {
            self.clean(
                &self.operator.post(&format!("{path}/resolve"), &body).await,
                status,
            );
            let answer = self.operator.post(&format!("{path}/explain"), &body).await;
            self.clean(&answer, if status == 409 { 200 } else { status });
        }
        let body = json!({"args": {"other": value}});
        self.clean(
            &self.operator.post(&format!("{path}/explain"), &body).await,
            200,
        );
        self.clean(
            &self
                .world
                .agent()
                .post(&format!("{path}/resolve"), &body)
                .await,
            403,
        );
    }
}
