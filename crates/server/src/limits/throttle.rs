//! Slows down guessing of credentials, but never refuses a valid one.
//!
//! A credential is always checked, which is cheap. Only the answer to a failed one changes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;
use toolvault_core::timestamp::Timestamp;

const WINDOW_SECONDS: i64 = 60;
/// How many sources are counted separately in a window; all others share one count.
const DISTINCT: usize = 65_536;

pub(crate) struct Throttle {
    /// The allowed failures of one source in a window; 0 for no limit.
    limit: u32,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    number: i64,
    failures: HashMap<Option<IpAddr>, u32>,
}

impl Throttle {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            window: Mutex::new(Window::default()),
        }
    }

    /// Counts a failure. Returns the seconds to wait if the source had too many.
    pub(crate) fn note(&self, source: Option<IpAddr>, now: Timestamp) -> Option<u64> {
        let mut window = self.window.lock();
        let number = now.seconds().div_euclid(WINDOW_SECONDS);
        if window.number != number {
            *window = Window {
                number,
                failures: HashMap::new(),
            };
        }
        let source = source.map(network);
        let is_room = window.failures.len() < DISTINCT || window.failures.contains_key(&source);
        let count = window
            .failures
            .entry(if is_room { source } else { None })
            .or_default();
        *count = count.saturating_add(1);
        let is_over = self.limit > 0 && *count > self.limit;
        let rest = WINDOW_SECONDS - now.seconds().rem_euclid(WINDOW_SECONDS);
        is_over.then(|| u64::try_from(rest).unwrap_or(1))
    }
}

/// The holder of one IPv6 address usually controls its whole /64, so they count as one source.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * 1_000_000)
    }

    #[test]
    fn the_failure_after_the_limit_must_wait_for_the_next_minute() {
        let throttle = Throttle::new(2);
        let source = Some("192.0.2.1".parse().unwrap());
        assert_eq!(throttle.note(source, at(60)), None);
        assert_eq!(throttle.note(source, at(61)), None);
        assert_eq!(throttle.note(source, at(70)), Some(50));
        assert_eq!(
            throttle.note(Some("192.0.2.2".parse().unwrap()), at(70)),
            None
        );
        assert_eq!(throttle.note(source, at(120)), None);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let throttle = Throttle::new(1);
        assert_eq!(
            throttle.note(Some("2001:db8::1".parse().unwrap()), at(0)),
            None
        );
        assert_eq!(
            throttle.note(Some("2001:db8::2".parse().unwrap()), at(0)),
            Some(60)
        );
        assert_eq!(
            throttle.note(Some("2001:db8:0:1::2".parse().unwrap()), at(0)),
            None
        );
    }

    #[test]
    fn no_limit_is_no_limit() {
        let throttle = Throttle::new(0);
        assert!((0..10_000).all(|_| throttle.note(None, at(0)).is_none()));
    }
}
