//! The Model Context Protocol as both sides speak it: the gateway, which serves clients and asks servers, and
//! `toolvault mcp stdio`, which is a client of the gateway.
//!
//! Nothing here opens a connection or keeps state.
//!
//! - [`Message`] reads one JSON-RPC message in place; [`Message::shape`] says whether it is a request, a notification
//!   or a response. [`error`] and [`result`] write answers, [`list_changed`] a notification.
//! - [`mod@repair`] reads what a server sends that is not quite a message.
//! - [`EventReader`] turns pieces of a `text/event-stream` body into [`Event`]s; [`Event::write`] is the way back.
//! - [`Era`] tells the versions with sessions (up to 2025-11-25) from those without (2026-07-28 and later).
//! - [`headers`] knows the protocol's headers. A client sends [`headers::of_message`] with each message of the later
//!   era; a server compares them with [`headers::check`].
//! - [`MirroredArguments`] reads the `x-mcp-header` annotations of a tool's schema. A client of the later era keeps
//!   them from `tools/list` and calls [`MirroredArguments::set_headers`] for each `tools/call`.

mod era;
mod events;
pub mod headers;
mod message;
mod mirror;
mod repair;

pub use self::era::{Era, INITIALIZED, is_modern};
pub use self::events::{Event, EventReader, EventTooLarge};
pub use self::message::{
    METADATA, Malformed, Message, Shape, error, is_same_id, list_changed, result,
};
pub use self::mirror::{AnnotationError, MirroredArguments};
pub use self::repair::{Defect, Repaired, id_at_edges, repair};
