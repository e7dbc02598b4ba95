//! The API over real connections: the rights of each caller, the guarantees of the contract, and
//! attacks.
//!
//! [`harness`] starts a server on a vault in a temporary directory and sends HTTP requests of actors. The
//! other modules follow the URLs; [`matrix`] tests every route with every kind of caller.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod ext_mcp;
#[cfg(test)]
mod forwarded;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod me;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod users;
