//! Requests per second of one key or token: a token bucket with that rate and one second's capacity.

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;
use toolvault_core::audit::record::Actor;

/// How many buckets are kept before full ones are dropped.
const MOST_BUCKETS: usize = 65_536;

pub(crate) struct RateLimiter {
    /// 0 for no limit.
    per_second: u32,
    buckets: Mutex<HashMap<Actor, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one request, or returns how many seconds to wait.
    pub(crate) fn take(&self, actor: &Actor) -> Result<(), u64> {
        self.take_at(actor, Instant::now())
    }

    fn take_at(&self, actor: &Actor, now: Instant) -> Result<(), u64> {
        if self.per_second == 0 {
            return Ok(());
        }
        let capacity = f64::from(self.per_second);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, bucket| bucket.refilled(capacity, now) < capacity);
        }
        let bucket = buckets.entry(actor.clone()).or_insert(Bucket {
            tokens: capacity,
            at: now,
        });
        let tokens = bucket.refilled(capacity, now);
        let is_allowed = tokens >= 1.0;
        *bucket = Bucket {
            tokens: if is_allowed { tokens - 1.0 } else { tokens },
            at: now,
        };
        // At one request a second or more, the next one is never more than a second away.
        if is_allowed { Ok(()) } else { Err(1) }
    }
}

impl Bucket {
    fn refilled(&self, capacity: f64, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + seconds * capacity).min(capacity)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_has_a_burst_of_one_second_and_then_its_rate() {
        let limiter = RateLimiter::new(2);
        let (began, actor) = (Instant::now(), Actor::Local(1));
        assert_eq!(limiter.take_at(&actor, began), Ok(()));
        assert_eq!(limiter.take_at(&actor, began), Ok(()));
        assert_eq!(limiter.take_at(&actor, began), Err(1));
        assert_eq!(limiter.take_at(&Actor::Local(2), began), Ok(()));
        let later = began + Duration::from_millis(500);
        assert_eq!(limiter.take_at(&actor, later), Ok(()));
        assert_eq!(limiter.take_at(&actor, later), Err(1));
    }

    #[test]
    fn zero_is_no_limit() {
        let limiter = RateLimiter::new(0);
        assert!((0..10_000).all(|_| limiter.take(&Actor::Anonymous).is_ok()));
    }
}
