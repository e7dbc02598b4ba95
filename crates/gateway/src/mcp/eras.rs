//! How a request finds its [`Conversation`](super::conversation::Conversation) in each era.

pub(crate) mod legacy;
pub(crate) mod modern;
