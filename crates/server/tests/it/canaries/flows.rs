//! Every operation that accepts a value, or looks as if it did, with valid and invalid requests.

mod wrong;

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use super::needles::{Needles, value};
use crate::harness::{Actor, Answer, World};

/// How many secrets a user may have while these run.
pub(super) const SECRETS: usize = 50;
const OCTETS: Option<&str> = Some("application/octet-stream");

pub(super) struct Flows<'a> {
    world: &'a World,
    needles: &'a Needles,
    operator: Actor,
    number: AtomicUsize,
}

impl<'a> Flows<'a> {
    pub(super) fn new(world: &'a World, needles: &'a Needles) -> Self {
        Self {
            world,
            needles,
            operator: world.operator(),
            number: AtomicUsize::new(1),
        }
    }

    fn fresh(&self) -> String {
        value(self.number.fetch_add(1, Ordering::SeqCst))
    }

    /// The answer has this status, and no value in its head or body.
    #[track_caller]
    fn clean(&self, answer: &Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(self.needles.find(&answer.body), None, "{}", answer.text());
        let head = format!("{:?}", answer.headers);
        assert_eq!(self.needles.find(head.as_bytes()), None, "{head}");
        answer.json()
    }

    fn default(&self) -> Value {
        json!({
            "secret_name": "quaint", "secret_value": self.fresh(), "tool_name": "linear__*", "tool_arg": "key",
            "is_default_for_tool": true,
        })
    }

    pub(super) async fn run(&self) {
        let created = self.operator.post("/v1/secrets/", &self.default()).await;
        let created = self.clean(&created, 200);
        let path = format!("/v1/secrets/{}", created["secret_id"].as_str().unwrap());
        self.store_well(&path).await;
        self.store_badly(&path).await;
        self.be_nobody(&path).await;
        self.use_it().await;
        self.misuse().await;
        self.over_http_2().await;
        self.read_everything(&path, 200).await;
        let deleted = self.operator.delete(&path).await;
        self.clean(&deleted, 200);
        self.read_everything(&path, 404).await;
    }

    async fn store_well(&self, path: &str) {
        for _ in 0..12 {
            let changed = self
                .operator
                .patch(path, &json!({"secret_value": self.fresh()}))
                .await;
            self.clean(&changed, 200);
        }
        let long = self.fresh().repeat(500);
        let answer = self
            .operator
            .put(&format!("{path}/value"), &json!({"secret_value": long}))
            .await;
        self.clean(&answer, 200);
        let octets = self.fresh();
        let answer = self
            .operator
            .send("PUT", &format!("{path}/value"), OCTETS, octets.as_bytes())
            .await;
        self.clean(&answer, 200);
        let repeating = self.operator.clone().with("idempotency-key", "k");
        let secret = json!({"secret_name": "repeated", "secret_value": self.fresh()});
        for _ in 0..2 {
            self.clean(&repeating.post("/v1/secrets/", &secret).await, 200);
        }
        let other = json!({"secret_name": "repeated", "secret_value": self.fresh()});
        self.clean(&repeating.post("/v1/secrets/", &other).await, 422);
    }

    async fn use_it(&self) {
        let path = "/v1/tools/linear__get/resolve";
        let given = self.operator.post(path, &json!({"args": {"n": 1}})).await;
        let given = given.expect(200);
        assert!(
            self.needles
                .find(given["args"]["key"].as_str().unwrap().as_bytes())
                .is_some()
        );
        assert_eq!(
            self.needles.find(given["applied"].to_string().as_bytes()),
            None
        );
        let batch = json!({"calls": [{"tool_name": "linear__get"}, {"tool_name": "linear__get", "require": ["x"]}]});
        let batch = self.operator.post("/v1/resolve", &batch).await.expect(200);
        assert!(batch["results"][0]["result"]["args"]["key"].is_string());
        assert_eq!(
            self.needles
                .find(batch["results"][1].to_string().as_bytes()),
            None
        );
        let explained = self
            .operator
            .post("/v1/tools/linear__get/explain", &json!({}))
            .await;
        self.clean(&explained, 200);
        let calls = json!({"calls": [{"tool_name": "linear__get"}, {"tool_name": "linear__set"}]});
        let explained = self.operator.post("/v1/explain", &calls).await;
        self.clean(&explained, 200);
    }

    /// HTTP/2 logs more than HTTP/1.1, on the client's side in this process too.
    async fn over_http_2(&self) {
        let stream = tokio::net::TcpStream::connect(self.world.address)
            .await
            .unwrap();
        let io = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let values = [
            self.default().to_string(),
            format!("{{\"secret_value\":\"{}", self.fresh()),
        ];
        for (path, body) in [
            ("/v1/secrets/", values[0].clone()),
            ("/v1/secrets/", values[1].clone()),
            ("/v1/tools/linear__get/resolve", "{}".to_owned()),
        ] {
            let request = hyper::Request::post(format!("http://localhost{path}"))
                .header("x-api-key", self.operator.sends("x-api-key"))
                .body(Full::new(Bytes::from(body)))
                .unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let is_resolve = path.ends_with("resolve");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(self.needles.find(&body).is_some(), is_resolve, "{path}");
        }
    }

    /// Reads what the API and the metrics show, and what there is beside the secret at `path`.
    async fn read_everything(&self, path: &str, status: u16) {
        self.clean(&self.operator.get(path).await, status);
        for path in [
            "/v1/secrets/?limit=1000",
            "/v1/audit?limit=1000",
            "/v1/keys",
            "/v1/me",
            "/v1/usage",
            "/v1/users",
            "/openapi.json",
            "/healthz",
            "/readyz",
        ] {
            self.clean(&self.operator.get(path).await, 200);
        }
        for path in [format!("{path}/versions"), format!("{path}/policy")] {
            let answer = self.operator.get(&path).await;
            self.clean(&answer, status);
        }
        let metrics = self.operator.get("/metrics").await;
        assert_eq!(metrics.status, 200);
        assert_eq!(self.needles.find(&metrics.body), None);
        for name in [
            "linear",
            "quaint",
            &self.operator.user.to_string(),
            &self.operator.key_id,
        ] {
            assert!(!metrics.text().contains(name), "{name}");
        }
    }
}
