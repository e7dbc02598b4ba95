//! TLS, stopping the server, and clients that disconnect.

mod disconnect;
mod idle;
mod shutdown;
mod tls;
