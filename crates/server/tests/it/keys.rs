//! `/v1/keys`: API keys.

mod inheritance;
mod lifecycle;
mod platform;
