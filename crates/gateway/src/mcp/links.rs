//! Connections to servers, over HTTP or to a program. Each was made for one [`Access`](super::access::Access) and
//! knows it; an access knows no connection.
//!
//! [`Upstream`] holds one caller's connections to one server and makes new ones. A [`Link`] is one of them: it sends a
//! [`Question`] and returns an [`Exchange`].

mod context;
mod exchange;
mod http;
mod link;
mod lists;
mod program;
mod programs;
mod signed;
mod slots;
mod upstream;

pub(crate) use self::context::Context;
pub(crate) use self::exchange::{Content, Events, Exchange, Question};
pub(crate) use self::link::Link;
pub(crate) use self::lists::List;
pub(crate) use self::programs::Started;
pub(crate) use self::slots::Slots;
pub(crate) use self::upstream::{Upstream, Upstreams};
