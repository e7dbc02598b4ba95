//! What administrators are told of pins.

use serde_json::json;

use super::super::relay::{ERAS, Gate};
use super::{PINS, READ, SEND, VALUE, pin_of};

#[tokio::test]
async fn names_that_imitate_others_and_hidden_characters_are_warned_of() {
    let imitates = SEND.replace(r#""send""#, r#""sеnd""#);
    let hides = READ.replace(r#""id":{}"#, r#""id":{"description":"\u200b"}"#);
    let gate = Gate::start_with(&[SEND, &imitates, &hides], |_, _| {}).await;
    let operator = gate.world.operator();
    operator.default_for("linear__read", "id", VALUE).await;
    let agent = gate.agent(ERAS[0]).await;
    agent.tools().await;
    let of = async |tool| pin_of(&operator, tool).await["warnings"].clone();
    assert_eq!(
        of("send").await,
        json!(["its name looks like sеnd of linear"])
    );
    let rare = "its name has letters that names mix seldom";
    assert_eq!(
        of("sеnd").await,
        json!(["its name looks like send of linear", rare])
    );
    let place = "inputSchema/properties/id/description";
    let hidden = format!("{place} holds 1 hidden character: U+200B");
    assert_eq!(of("read").await, json!([hidden]));
    // A change has warnings of its own, which are the tool's when it is accepted.
    let changed = READ.replace(r#""name""#, r#""description":"\udb40\udc41\u202e","name""#);
    gate.upstream.lists(&[&[&changed]]);
    agent.tools().await;
    let pin = pin_of(&operator, "read").await;
    let now = json!(["description holds 2 hidden characters: U+202E, U+E0041"]);
    assert_eq!(
        (&pin["warnings"], &pin["change"]["warnings"]),
        (&json!([hidden]), &now)
    );
    let change = json!({"tool": "read", "sha256": pin["change"]["sha256"]});
    let accepted = operator.post(PINS, &change).await.expect(200);
    assert_eq!(accepted["warnings"], now);
}

#[tokio::test]
async fn a_server_that_changes_very_much_is_told_of_in_part() {
    let tools = |member: &str| {
        let members: Vec<_> = (0..110).map(|at| format!(r#""p{at}":{member}"#)).collect();
        let schema = format!(
            r#"{{"type":"object","properties":{{{}}}}}"#,
            members.join(",")
        );
        let tool = |at| format!(r#"{{"name":"t{at:03}","inputSchema":{schema}}}"#);
        (0..110).map(tool).collect::<Vec<_>>()
    };
    let (before, after) = (tools("{}"), tools("true"));
    let [before, after] = [&before, &after].map(|tools| tools.iter().map(String::as_str));
    let gate = Gate::start_with(&before.collect::<Vec<_>>(), |_, _| {}).await;
    let agent = gate.agent(ERAS[0]).await;
    agent.tools().await;
    gate.upstream.lists(&[&after.collect::<Vec<_>>()]);
    agent.tools().await;
    let pins = gate.world.operator().get(PINS).await.expect(200);
    let differences = |at: usize| {
        pins["data"][at]["change"]["differences"]
            .as_array()
            .unwrap()
    };
    assert_eq!(differences(0).len(), 101);
    let untold = json!(["not told: the server has too many others"]);
    assert_eq!(pins["data"][109]["change"]["differences"], untold);
    assert_eq!(pins["data"][109]["warnings"], untold);
}
