//! TLS, the end of the server, and clients that leave.

mod disconnect;
mod idle;
mod shutdown;
mod tls;
