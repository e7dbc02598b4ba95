//! Placeholder.
mod wire;
