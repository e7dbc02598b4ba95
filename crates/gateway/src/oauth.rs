//! OAuth 2.1 as a client: how a person signs in at a tool server, and how a token is got, renewed and given back.
//!
//! The protocol alone, as the MCP authorization specifications of 2025-11-25 and 2026-07-28 have it. Nothing is kept here;
//! [`mcp`](crate::mcp) puts it to use. Texts of other servers are read and judged, but never repeated.
//!
//! # Layout
//!
//! - [`Site`]: a tool server's address, and where its metadata may lead.
//! - [`challenge`]: what a server says with a 401 or 403.
//! - [`resource`]: which authorization servers a tool server names (RFC 9728).
//! - [`issuer`]: the endpoints of an authorization server (RFC 8414, `OpenID` Connect Discovery).
//! - [`registration`]: becoming its client (RFC 7591).
//! - [`authorization`]: where the person goes, and what comes back (RFC 6749, 7636, 8707 and 9207).
//! - [`token`]: tokens for a code, a refresh token or a machine; [`revocation`]: giving them back (RFC 7009).
//! - [`client`], [`assertion`]: how a client proves who it is.

pub(crate) mod assertion;
pub(crate) mod authorization;
pub(crate) mod challenge;
mod client;
mod error;
mod freshness;
pub(crate) mod issuer;
pub(crate) mod registration;
pub(crate) mod resource;
pub(crate) mod revocation;
mod site;
#[cfg(test)]
mod tests;
pub(crate) mod token;

pub use self::authorization::AuthorizationAnswer;
pub use self::challenge::is_scope;
pub use self::client::{ClientAuthentication, Form, read_secret};
pub(crate) use self::client::{Identity, Proof};
pub use self::error::OAuthError;
pub(crate) use self::site::Site;
