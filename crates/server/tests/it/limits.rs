//! How much is taken from whom, and for how long is waited.

mod rate;
mod sign_in;
mod time;
