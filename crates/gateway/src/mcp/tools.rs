//! The tools of a server: what it lists, what one caller may see of it, and schemas without hidden arguments.

pub(crate) mod catalogue;
pub(crate) mod listing;
