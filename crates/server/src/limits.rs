//! Limits of what a caller may send.

pub(crate) mod bodies;
pub(crate) mod rate;
pub(crate) mod throttle;
