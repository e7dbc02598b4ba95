//! How often a request is sent, and when no more.

use std::time::{Duration, Instant};

use toolvault_gateway::mcp::protocol::{Message, error};

/// How long requests wait for a gateway that is away, such as one that is being restarted.
const PATIENCE: Duration = Duration::from_secs(10);

/// Errors of this program; -32768 to -32000 belong to the protocol, and 1000 to 1099 to the gateway.
const NO_ANSWER: i64 = 1_100;
const REFUSED: i64 = 1_101;
const UNKNOWN: i64 = 1_102;

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The gateway is away. A request that was sent may have reached it all the same.
    Away { words: String, is_sent: bool },
    /// The gateway does not know the session, so it has not done what was asked.
    SessionEnded,
    /// The connection broke after the request was sent.
    Broken(String),
    /// The answer is an error.
    Refused(Refusal),
}

/// An error for the client.
#[derive(Debug)]
pub(super) struct Refusal {
    code: i64,
    words: String,
    /// JSON.
    data: Option<String>,
}

/// The attempts at one request.
pub(super) struct Tries {
    is_repeatable: bool,
    away_since: Option<Instant>,
    has_broken: bool,
    pauses: Pauses,
}

/// Pauses between attempts, each twice as long as the one before.
pub(super) struct Pauses {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Refusal {
    /// Of this program.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self {
            code: REFUSED,
            words: words.into(),
            data: None,
        }
    }

    /// The error that a message carries.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        let (code, words) = message.error()?;
        let error = message.get("error")?.as_object()?;
        let data = error.get("data").map(|data| data.raw().to_owned());
        Some(Self { code, words, data })
    }

    /// Its code.
    pub(super) fn code(&self) -> i64 {
        self.code
    }

    /// What is wrong.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// The answer to the request with this ID, given as JSON.
    pub(super) fn to_message(&self, id: &str) -> Vec<u8> {
        error(Some(id), self.code, &self.words, self.data.as_deref())
    }

    fn no_answer(words: &str) -> Self {
        Self {
            code: NO_ANSWER,
            words: words.to_owned(),
            data: None,
        }
    }

    fn unknown(words: &str) -> Self {
        let words = format!(
            "{words}: whether the call was carried out is unknown. Check that before you repeat it"
        );
        Self {
            code: UNKNOWN,
            words,
            data: None,
        }
    }
}

impl Tries {
    /// No attempt yet at a request with this method.
    pub(super) fn at(method: &str) -> Self {
        Self {
            is_repeatable: is_repeatable(method),
            away_since: None,
            has_broken: false,
            pauses: Pauses::new(Duration::from_millis(100), Duration::from_secs(1)),
        }
    }

    /// How long to wait before the next attempt, or what to tell the client instead.
    pub(super) fn after(&mut self, failure: Failure, now: Instant) -> Result<Duration, Refusal> {
        match failure {
            Failure::Refused(refusal) => Err(refusal),
            Failure::SessionEnded => Err(Refusal::new(
                "the session has ended and cannot be opened again: start the client again",
            )),
            Failure::Away { words, is_sent } if is_sent && !self.is_repeatable => {
                Err(Refusal::unknown(&words))
            }
            Failure::Away { words, .. } => {
                let since = *self.away_since.get_or_insert(now);
                if now.duration_since(since) < PATIENCE {
                    Ok(self.pauses.next())
                } else {
                    let waited = PATIENCE.as_secs();
                    let words = format!(
                        "no answer from the gateway for {waited} s: {words}. Is it running?"
                    );
                    Err(Refusal::no_answer(&words))
                }
            }
            Failure::Broken(words) if !self.is_repeatable => Err(Refusal::unknown(&words)),
            Failure::Broken(words) if self.has_broken => Err(Refusal::no_answer(&words)),
            Failure::Broken(_) => {
                self.has_broken = true;
                Ok(self.pauses.next())
            }
        }
    }
}

impl Pauses {
    /// Pauses from `first` to `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            first,
            longest,
        }
    }

    /// The next pause.
    pub(super) fn next(&mut self) -> Duration {
        let next = self.next;
        self.next = (next * 2).min(self.longest);
        next
    }

    /// Begins with the first pause again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Whether doing it twice is the same as doing it once. What is not known is not repeated.
fn is_repeatable(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "server/discover"
            | "tools/list"
            | "prompts/list"
            | "prompts/get"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "subscriptions/listen"
            | "completion/complete"
            | "logging/setLevel"
            | "tasks/list"
            | "tasks/get"
            | "tasks/result"
            | "tasks/cancel"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(is_sent: bool) -> Failure {
        Failure::Away {
            words: "x".to_owned(),
            is_sent,
        }
    }

    #[test]
    fn a_gateway_that_is_away_is_waited_for_for_a_while() {
        let start = Instant::now();
        for (method, is_sent) in [("tools/call", false), ("tools/list", true)] {
            let mut tries = Tries::at(method);
            let mut at = |seconds| {
                let now = start + Duration::from_secs(seconds);
                tries
                    .after(away(is_sent), now)
                    .map_err(|refusal| refusal.code())
            };
            assert_eq!(at(100), Ok(Duration::from_millis(100)));
            assert_eq!(at(101), Ok(Duration::from_millis(200)));
            assert!(at(109).is_ok());
            assert_eq!(at(110), Err(NO_ANSWER));
        }
    }

    #[test]
    fn only_what_may_be_done_twice_is_sent_again() {
        let now = Instant::now();
        let broken = || Failure::Broken("x".to_owned());
        for method in ["tools/call", "tasks/update", "x/unknown"] {
            for failure in [broken(), away(true)] {
                let told = Tries::at(method).after(failure, now);
                assert_eq!(told.unwrap_err().code(), UNKNOWN, "{method}");
            }
        }
        let mut tries = Tries::at("tools/list");
        assert!(tries.after(broken(), now).is_ok());
        assert_eq!(tries.after(broken(), now).unwrap_err().code(), NO_ANSWER);
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let mut pauses = Pauses::new(Duration::from_secs(1), Duration::from_secs(3));
        let three: Vec<u64> = (0..3).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(three, [1, 2, 3]);
        pauses.reset();
        assert_eq!(pauses.next().as_secs(), 1);
    }
}
