//! Moments in time with the precision of both databases, Python and the wire: whole microseconds, UTC.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in microseconds since 1970-01-01T00:00:00Z.
///
/// It displays as pydantic v2 serialises an aware UTC `datetime`: `2026-01-02T03:04:05Z`, with six
/// fractional digits only when the fraction is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// One second, in the unit of [`Timestamp`].
pub const SECOND: i64 = 1_000_000;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// The range that can be formatted: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z.
const EARLIEST: i64 = -62_167_219_200 * SECOND;
const LATEST: i64 = 253_402_300_800 * SECOND - 1;

/// The text is not an RFC 3339 date and time with an offset.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimestampError {
    /// It is no date and time.
    #[error("not a date and time with an offset (RFC 3339), as in 2027-01-31T00:00:00Z")]
    NoDateTime,
    /// It has no offset.
    #[error("a date and time without an offset (RFC 3339)")]
    NoOffset,
}

impl Timestamp {
    /// The moment this many microseconds after the Unix epoch.
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since the Unix epoch.
    pub const fn microseconds(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The beginning of its second, as tables for people show it.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self(self.seconds().saturating_mul(SECOND))
    }

    /// This moment plus `microseconds`, saturating.
    #[must_use]
    pub const fn plus(self, microseconds: i64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }

    /// The later of this moment and the first one after `previous`, for times that must strictly increase.
    #[must_use]
    pub fn after(self, previous: Self) -> Self {
        self.max(previous.plus(1))
    }

    /// Microseconds from `earlier` to this moment; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Clamped to the years 0 to 9999: a `Display` that fails panics in `to_string` and serde_json, and a database
        // row may hold any number. Not `jiff::Timestamp`, which ends a day before the year 9999 does.
        let nearest = self.0.clamp(EARLIEST, LATEST);
        let since = SignedDuration::from_micros(nearest);
        let moment = EPOCH.checked_add(since).map_err(|_| fmt::Error)?;
        if nearest.rem_euclid(SECOND) == 0 {
            write!(formatter, "{moment:.0}Z")
        } else {
            write!(formatter, "{moment:.6}Z")
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let pieces = Pieces::parse(text).map_err(|_| TimestampError::NoDateTime)?;
        let time = pieces.time().ok_or(TimestampError::NoDateTime)?;
        let offset = pieces.to_numeric_offset().ok_or(TimestampError::NoOffset)?;
        // jiff reads more than RFC 3339 and Python have: leap seconds, which it drops, years before 0, and more.
        let is_leap_second = text.get(17..19) == Some("60");
        let is_plain = pieces.date().year() >= 0
            && pieces.time_zone_annotation().is_none()
            && offset.seconds().abs() < 24 * 3_600;
        if is_leap_second || !is_plain {
            return Err(TimestampError::NoDateTime);
        }
        let since = pieces.date().to_datetime(time).duration_since(EPOCH);
        let microseconds =
            i64::try_from(since.as_micros()).map_err(|_| TimestampError::NoDateTime)?;
        Ok(Self(microseconds - i64::from(offset.seconds()) * SECOND))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_pydantic_writes_it() {
        let whole = Timestamp::from_microseconds(1_767_323_045 * SECOND);
        assert_eq!(whole.to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(whole.plus(120).to_string(), "2026-01-02T03:04:05.000120Z");
        assert_eq!(
            whole.plus(500_000).to_string(),
            "2026-01-02T03:04:05.500000Z"
        );
    }

    #[test]
    fn it_is_read_with_any_offset() {
        let parsed: Timestamp = "2026-01-02T04:04:05.5+01:00".parse().unwrap();
        assert_eq!(parsed.to_string(), "2026-01-02T03:04:05.500000Z");
        for (text, microseconds) in [
            ("2026-01-02T04:04:05.5+01:00", 1_767_323_045_500_000),
            ("2026-01-01t22:04:05.000001-05:00", 1_767_323_045_000_001),
            ("1969-12-31 23:59:59z", -SECOND),
            ("0000-01-01T00:00:00Z", EARLIEST),
            ("9999-12-31T23:59:59.999999Z", LATEST),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(microseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-01-02",
            "2026-02-30T00:00:00Z",
            "2026-01-02T23:59:60Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T00:00:00+24:00",
            "2026-01-02T00:00:00Z[UTC]",
            "-000001-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ] {
            let refused = text.parse::<Timestamp>();
            assert_eq!(refused, Err(TimestampError::NoDateTime), "{text}");
        }
        let refused = "2026-01-02T04:04:05".parse::<Timestamp>();
        assert_eq!(refused, Err(TimestampError::NoOffset));
    }

    #[test]
    fn no_number_of_microseconds_makes_writing_fail() {
        for microseconds in [
            i64::MIN,
            EARLIEST - 1,
            EARLIEST,
            -1,
            LATEST,
            LATEST + 1,
            i64::MAX,
        ] {
            let moment = Timestamp::from_microseconds(microseconds);
            let json = serde_json::to_string(&moment).unwrap();
            let read: Timestamp = serde_json::from_str(&json).unwrap();
            assert_eq!(read.microseconds(), microseconds.clamp(EARLIEST, LATEST));
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let last = Timestamp::from_microseconds(i64::MAX);
        let first = Timestamp::from_microseconds(i64::MIN);
        assert_eq!(last.plus(1), last);
        assert_eq!(last.after(last), last);
        assert_eq!(last.since(first), i64::MAX);
        assert_eq!(first.since(last), i64::MIN);
    }

    #[test]
    fn seconds_are_rounded_down() {
        for (microseconds, seconds) in [(-1, -1), (0, 0), (2 * SECOND - 1, 1), (2 * SECOND, 2)] {
            let moment = Timestamp::from_microseconds(microseconds);
            assert_eq!(moment.seconds(), seconds);
            assert_eq!(moment.whole_second().microseconds(), seconds * SECOND);
        }
    }

    #[test]
    fn it_never_stands_still() {
        let now = Timestamp::from_microseconds(10);
        assert_eq!(
            now.after(Timestamp::from_microseconds(10)).microseconds(),
            11
        );
        assert_eq!(
            now.after(Timestamp::from_microseconds(3)).microseconds(),
            10
        );
    }
}
