//! Rate limits.

pub(crate) mod rate;
pub(crate) mod throttle;
