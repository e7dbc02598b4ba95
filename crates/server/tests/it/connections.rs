//! TLS, the end of the server, and clients that leave.

mod disconnect;
mod shutdown;
mod tls;
