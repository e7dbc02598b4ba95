//! To whom a message of a program goes, with the ids put back under which its client knows them.

use tokio::sync::mpsc;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, Value, parse};

use super::{State, Text, Waiting};
use crate::mcp::links::exchange::Queued;
use crate::mcp::protocol::{
    Defect, Era, METADATA, Message, Repaired, Shape, id_at_edges, is_same_id, repair,
};
use crate::mcp::refusal::UpstreamError;
use crate::stdio::Edges;

/// The way of one request's messages to its client.
pub(super) type Client = mpsc::Sender<Result<Queued, UpstreamError>>;

/// To whom a message goes.
pub(super) enum Route {
    Dropped,
    To(Client, Text),
    /// The answer to a request cannot be used.
    Broken(Client, UpstreamError),
    ToListeners(Text),
    ToOneListener(Text),
}

impl State {
    /// Reads a line of the program. A response ends its request.
    pub(super) fn route(&mut self, text: &[u8], era: Era) -> Route {
        let read = Message::parse(text).and_then(|message| Ok((message, message.shape()?)));
        let Ok((message, shape)) = read else {
            return self.unreadable(text, era);
        };
        self.document.forget();
        match shape {
            Shape::Response(id) => self.response(message, id),
            Shape::Notification(method) => self.notification(message, &method, text, era),
            // Only the earlier era lets a server ask.
            Shape::Request(..) if era == Era::Legacy => match self.only_request() {
                Some(waiting) => Route::To(waiting.events.clone(), copy(text)),
                None => Route::ToOneListener(copy(text)),
            },
            Shape::Request(..) => Route::Dropped,
        }
    }

    /// A line that is not a message: noise, an answer that can be repaired, or one that cannot be used.
    fn unreadable(&mut self, line: &[u8], era: Era) -> Route {
        let Some((document, is_one_line)) = self.document.push(line) else {
            return Route::Dropped;
        };
        match repair(&document) {
            Some(Repaired::Message(text)) if is_one_line => self.route(&text, era),
            Some(Repaired::Message(text)) => match Message::parse(&text) {
                Ok(message) if message.get("method").is_none() => {
                    self.broken(message.get("id"), Defect::NotJson)
                }
                _ => Route::Dropped,
            },
            Some(Repaired::Answer(id, defect)) => self.broken(parse(id.as_bytes()).ok(), defect),
            None => Route::Dropped,
        }
    }

    /// A line that was longer than a message may be: it ends the request that it answers.
    pub(super) fn too_long(&mut self, edges: &Edges, limit: usize) -> Route {
        let id = id_at_edges(&edges.head, &edges.tail);
        let id = id.as_ref().and_then(|id| parse(id.as_bytes()).ok());
        match id.and_then(|id| self.take(id)) {
            Some(waiting) => Route::Broken(waiting.events, UpstreamError::TooLarge(limit)),
            None => Route::Dropped,
        }
    }

    fn broken(&mut self, id: Option<Value<'_>>, defect: Defect) -> Route {
        match id.and_then(|id| self.take(id)) {
            Some(waiting) => Route::Broken(waiting.events, defect.into()),
            None => Route::Dropped,
        }
    }

    /// The request that an answer with this ID ends.
    fn take(&mut self, id: Value<'_>) -> Option<Waiting> {
        let number = id.raw().parse().ok().or_else(|| {
            let mut numbers = self.requests.keys().copied();
            numbers.find(|number| is_same_id(&number.to_string(), id))
        });
        self.requests.remove(&number?)
    }

    fn response(&mut self, message: Message<'_>, id: Value<'_>) -> Route {
        let Some(waiting) = self.take(id) else {
            return Route::Dropped;
        };
        let mut tree = Tree::from(message.value());
        let is_put_back = tree.set("id", raw(&waiting.id)).is_ok()
            && put_subscription_back(&mut tree, "result", &waiting.id).is_some();
        if is_put_back {
            Route::To(waiting.events, tree.to_json())
        } else {
            Route::Dropped
        }
    }

    fn notification(&mut self, message: Message<'_>, method: &str, text: &[u8], era: Era) -> Route {
        if method == "notifications/progress" {
            return self.progress(message).unwrap_or(Route::Dropped);
        }
        if let Some(subscription) = message.metadata("subscriptionId") {
            let number = subscription.raw().parse::<u64>().ok();
            let waiting = number.and_then(|number| self.requests.get(&number));
            return waiting
                .and_then(|waiting| {
                    let mut tree = Tree::from(message.value());
                    put_subscription_back(&mut tree, "params", &waiting.id)?;
                    Some(Route::To(waiting.events.clone(), tree.to_json()))
                })
                .unwrap_or(Route::Dropped);
        }
        // It may belong to the one request that is under way; who else it could belong to cannot be known.
        match (self.only_request(), era) {
            (Some(waiting), _) if method == "notifications/message" => {
                Route::To(waiting.events.clone(), copy(text))
            }
            (_, Era::Modern) => Route::Dropped,
            (_, Era::Legacy) => Route::ToListeners(copy(text)),
        }
    }

    fn progress(&self, message: Message<'_>) -> Option<Route> {
        let number: u64 = message.param("progressToken")?.raw().parse().ok()?;
        let waiting = self.requests.get(&number)?;
        let token = waiting.progress_token.as_ref()?;
        let mut tree = Tree::from(message.value());
        let params = tree.get_mut("params").ok()??;
        params.set("progressToken", raw(token)).ok()?;
        Some(Route::To(waiting.events.clone(), tree.to_json()))
    }

    fn only_request(&self) -> Option<&Waiting> {
        let mut requests = self.requests.values();
        requests.next().filter(|_| requests.next().is_none())
    }
}

/// Puts the client's id back where a message says to which subscription it belongs, if it says so.
fn put_subscription_back(tree: &mut Tree<'_>, place: &str, id: &str) -> Option<()> {
    let name = format!("{METADATA}subscriptionId");
    let Some(inner) = tree.get_mut(place).ok()? else {
        return Some(());
    };
    let Some(metadata) = inner.get_mut("_meta").ok()? else {
        return Some(());
    };
    if metadata.get_mut(&name).ok()?.is_some() {
        metadata.set(&name, raw(id)).ok()?;
    }
    Some(())
}

fn raw<'a>(text: &str) -> Tree<'a> {
    Tree::Raw(Wiped::new(text.to_owned()))
}

fn copy(text: &[u8]) -> Text {
    Wiped::new(text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Received = Vec<mpsc::Receiver<Result<Queued, UpstreamError>>>;

    fn state(requests: &[(u64, &str, Option<&str>)]) -> (State, Received) {
        let mut state = State::default();
        let mut receivers = Vec::new();
        for (number, id, token) in requests {
            let (events, receiver) = mpsc::channel(8);
            receivers.push(receiver);
            let waiting = Waiting {
                owner: *number % 2,
                id: (*id).to_owned(),
                progress_token: token.map(str::to_owned),
                events,
            };
            state.requests.insert(*number, waiting);
        }
        (state, receivers)
    }

    fn shown(route: &Route) -> String {
        let (kind, text) = match route {
            Route::Dropped => return "dropped".to_owned(),
            Route::To(_, text) => ("client", text),
            Route::Broken(_, error) => return format!("broken {error}"),
            Route::ToListeners(text) => ("listeners", text),
            Route::ToOneListener(text) => ("listener", text),
        };
        format!("{kind} {}", String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn a_response_goes_to_its_request_once_and_under_its_id() {
        let (mut state, _receivers) = state(&[(7, "\"a\"", None)]);
        let text = br#"{"jsonrpc":"2.0","id":7,"result":{"x":1.0}}"#;
        let route = state.route(text, Era::Legacy);
        assert_eq!(
            shown(&route),
            r#"client {"jsonrpc":"2.0","id":"a","result":{"x":1.0}}"#
        );
        assert_eq!(shown(&state.route(text, Era::Legacy)), "dropped");
        for foreign in ["\"7\"", "7.0", "null", "8"] {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{foreign},\"result\":{{}}}}");
            assert_eq!(shown(&state.route(text.as_bytes(), Era::Legacy)), "dropped");
        }
    }

    #[test]
    fn an_answer_is_accepted_as_the_sdks_accept_it() {
        for id in ["7", "\"7\"", "7.0", "7e0"] {
            let (mut state, _receivers) = state(&[(7, "\"a\"", None)]);
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null,"error":{{}}}}"#);
            assert_eq!(
                shown(&state.route(text.as_bytes(), Era::Legacy)),
                r#"client {"jsonrpc":"2.0","id":"a","error":{}}"#
            );
        }
    }

    #[test]
    fn an_answer_that_cannot_be_used_is_an_error_at_once() {
        for lines in [
            &[r#"{"jsonrpc":"2.0","id":7,"result":NaN}"#][..],
            &[r#"{"id":7,"result":{}}"#],
            &[r#"{"jsonrpc":"2.0","id":7}"#],
            &[r#"{"jsonrpc":"2.0","id":7,"error":"text"}"#],
            &[
                "{",
                r#"  "jsonrpc": "2.0","#,
                r#"  "id": 7,"#,
                r#"  "result": { "a": "}" }"#,
                "}",
            ],
        ] {
            for noise in ["", "listening", "{", "}"] {
                let (mut state, _receivers) = state(&[(7, "1", None), (8, "2", None)]);
                let mut last = shown(&state.route(noise.as_bytes(), Era::Legacy));
                if noise == "{" {
                    // A line that opens what nothing closes hides only lines that are not messages.
                    state.document.forget();
                }
                for line in lines {
                    assert_eq!(last, "dropped", "{line}");
                    last = shown(&state.route(line.as_bytes(), Era::Legacy));
                }
                assert!(last.starts_with("broken "), "{lines:?} {last}");
                assert_eq!(state.requests.len(), 1);
            }
        }
    }

    #[test]
    fn a_request_that_a_program_logs_ends_nothing() {
        let (mut state, _receivers) = state(&[(7, "1", None)]);
        for line in [
            r#"got {"jsonrpc":"2.0","id":7,"method":"tools/call"}"#,
            "{",
            r#"  "id": 7,"#,
            r#"  "method": "tools/call""#,
            "}",
        ] {
            assert_eq!(shown(&state.route(line.as_bytes(), Era::Legacy)), "dropped");
        }
        assert_eq!(state.requests.len(), 1);
    }

    #[test]
    fn progress_is_told_under_the_clients_token() {
        let (mut state, _receivers) = state(&[(7, "1", Some("\"t\"")), (8, "1", None)]);
        let progress = |token: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token}}}}}"#
            )
        };
        let route = state.route(progress("7").as_bytes(), Era::Legacy);
        assert_eq!(shown(&route), format!("client {}", progress("\"t\"")));
        for other in ["8", "9", "\"t\""] {
            assert_eq!(
                shown(&state.route(progress(other).as_bytes(), Era::Legacy)),
                "dropped"
            );
        }
    }

    #[test]
    fn what_has_no_request_goes_to_listeners_in_the_earlier_era_only() {
        let log = br#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
        let ask = br#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
        let (mut idle, _receivers) = state(&[]);
        assert!(shown(&idle.route(log, Era::Legacy)).starts_with("listeners "));
        assert!(shown(&idle.route(ask, Era::Legacy)).starts_with("listener "));
        assert_eq!(shown(&idle.route(log, Era::Modern)), "dropped");
        assert_eq!(shown(&idle.route(ask, Era::Modern)), "dropped");
        let (mut busy, _receivers) = state(&[(1, "1", None)]);
        assert!(shown(&busy.route(log, Era::Modern)).starts_with("client "));
        assert!(shown(&busy.route(ask, Era::Legacy)).starts_with("client "));
    }

    #[test]
    fn a_subscriptions_news_carry_the_clients_id() {
        let (mut state, _receivers) = state(&[(7, "\"s\"", None)]);
        let text = br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#;
        let route = state.route(text, Era::Modern);
        assert!(shown(&route).ends_with(r#""io.modelcontextprotocol/subscriptionId":"s"}}}"#));
    }

    #[test]
    fn a_cancellation_means_only_requests_of_the_same_client() {
        let (state, _receivers) = state(&[(7, "1", None), (8, "1", None), (9, "2", None)]);
        assert_eq!(state.number_of(1, "1"), Some(7));
        assert_eq!(state.number_of(0, "1"), Some(8));
        assert_eq!(state.number_of(0, "2"), None);
    }
}
