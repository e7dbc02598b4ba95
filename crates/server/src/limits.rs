//! How much to take from whom.

pub(crate) mod rate;
pub(crate) mod throttle;
