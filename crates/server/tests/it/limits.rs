//! Rate limits and time limits.

mod rate;
mod sign_in;
mod time;
