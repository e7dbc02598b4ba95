//! `/v1/audit`: the audit trail.

mod reading;
mod records;

use serde_json::Value;

use crate::harness::Actor;

/// The records that the actor can read.
async fn records(actor: &Actor, query: &str) -> Vec<Value> {
    let page = actor.get(&format!("/v1/audit{query}")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}
