//! What a client of the earlier era set at a server: the log level, and subscriptions to resources. Both belong to the
//! server's own session, so a new one gets them again.

use std::collections::BTreeMap;

use toolvault_core::confidential::Wiped;

use crate::mcp::protocol::Message;
use crate::settings::ServerName;

/// How many bytes one session may have remembered: a client chooses the URIs and their number. What is more is
/// not set again.
const MOST_BYTES: usize = 64 << 10;

const SET_LEVEL: &str = "logging/setLevel";
const SUBSCRIBE: &str = "resources/subscribe";
const UNSUBSCRIBE: &str = "resources/unsubscribe";

/// The log level (without a URI) and the subscriptions (by URI) at each server, as the parameters of the requests.
#[derive(Default)]
pub(crate) struct Wishes(BTreeMap<(ServerName, Option<String>), Wiped<String>>);

impl Wishes {
    /// Notes a request to a server, if it sets something.
    pub(crate) fn note(&mut self, server: &ServerName, method: &str, message: &Message<'_>) {
        let uri = match method {
            SET_LEVEL => None,
            SUBSCRIBE | UNSUBSCRIBE => match message.text_param("uri") {
                Some(uri) => Some(uri.as_str().to_owned()),
                None => return,
            },
            _ => return,
        };
        let key = (server.clone(), uri);
        match message.get("params") {
            Some(params) if method != UNSUBSCRIBE => {
                // What replaces an older request of the same key takes its place.
                self.0.remove(&key);
                let params = params.raw();
                if self.bytes() + size(&key, params) <= MOST_BYTES {
                    self.0.insert(key, Wiped::new(params.to_owned()));
                }
            }
            _ => drop(self.0.remove(&key)),
        }
    }

    fn bytes(&self) -> usize {
        let wishes = self.0.iter();
        wishes.map(|(key, params)| size(key, params)).sum()
    }

    /// Method and parameters of each request that sets it again at this server.
    pub(crate) fn at(&self, server: &ServerName) -> Vec<(&'static str, Wiped<String>)> {
        let own = self.0.iter().filter(|((name, _), _)| name == server);
        own.map(|((_, uri), params)| {
            let method = if uri.is_none() { SET_LEVEL } else { SUBSCRIBE };
            (method, params.clone())
        })
        .collect()
    }
}

/// The memory of one wish in bytes, about: small ones count, too.
fn size((_, uri): &(ServerName, Option<String>), params: &str) -> usize {
    128 + uri.as_ref().map_or(0, String::len) + params.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(wishes: &mut Wishes, server: &str, method: &str, params: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let message = Message::parse(text.as_bytes()).unwrap();
        wishes.note(&server.parse().unwrap(), method, &message);
    }

    #[test]
    fn the_newest_of_each_kind_counts_for_its_server() {
        let mut wishes = Wishes::default();
        for (server, method, params) in [
            ("a", SUBSCRIBE, r#"{"uri":"x:1"}"#),
            ("a", SUBSCRIBE, r#"{"uri":"x:2"}"#),
            ("a", SET_LEVEL, r#"{"level":"info"}"#),
            ("a", SET_LEVEL, r#"{"level":"error"}"#),
            ("b", SUBSCRIBE, r#"{"uri":"x:1"}"#),
            ("a", UNSUBSCRIBE, r#"{"uri":"x:1"}"#),
            ("a", "tools/call", r#"{"uri":"x:3"}"#),
        ] {
            note(&mut wishes, server, method, params);
        }
        let at = |server: &str| {
            let requests = wishes.at(&server.parse().unwrap()).into_iter();
            let requests = requests.map(|(method, params)| format!("{method} {}", *params));
            requests.collect::<Vec<_>>()
        };
        assert_eq!(
            at("a"),
            [
                r#"logging/setLevel {"level":"error"}"#,
                r#"resources/subscribe {"uri":"x:2"}"#
            ]
        );
        assert_eq!(at("b"), [r#"resources/subscribe {"uri":"x:1"}"#]);
    }

    #[test]
    fn a_client_cannot_fill_the_memory() {
        let mut wishes = Wishes::default();
        note(&mut wishes, "a", SET_LEVEL, r#"{"level":"info"}"#);
        for number in 0..5_000 {
            let params = format!(r#"{{"uri":"x:{number}","_meta":"{}"}}"#, "y".repeat(400));
            note(&mut wishes, "a", SUBSCRIBE, &params);
            assert!(wishes.bytes() <= MOST_BYTES);
        }
        let huge = format!(r#"{{"uri":"x:1","_meta":"{}"}}"#, "y".repeat(MOST_BYTES));
        note(&mut wishes, "a", SUBSCRIBE, &huge);
        assert!(wishes.bytes() <= MOST_BYTES);
        let kept = wishes.at(&"a".parse().unwrap()).len();
        assert!((50..200).contains(&kept), "{kept}");
    }
}
