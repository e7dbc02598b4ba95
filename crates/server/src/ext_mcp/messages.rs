//! The messages of the service, as far as they are read and written here. Names and numbers of fields are those of
//! `ext_mcp.proto` of agentgateway (Apache-2.0), and of `google.protobuf.Struct`.
//!
//! What may be confidential is `bytes`: a slice of the body, which is overwritten when dropped. On the wire that is the
//! same as text.

use bytes::Bytes;

/// `McpRequest` and `McpResponse`, whose fields have the same numbers.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct McpMessage {
    /// The servers, by their names in the other gateway.
    #[prost(string, repeated, tag = "1")]
    pub(super) service_names: Vec<String>,
    #[prost(string, tag = "2")]
    pub(super) method: String,
    #[prost(message, optional, tag = "3")]
    pub(super) metadata_context: Option<Struct>,
    /// `params` or `result`, as JSON.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) content: Option<Bytes>,
    /// The headers that would go on with a request.
    #[prost(message, repeated, tag = "5")]
    pub(super) headers: Vec<McpHeader>,
}

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct McpHeader {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// A map, which is a list of its entries on the wire.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct Struct {
    #[prost(message, repeated, tag = "1")]
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct Field {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<Value>,
}

/// A value, if it is a text.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct Value {
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) text: Option<Bytes>,
}

/// `McpRequestResult` and `McpResponseResult`, whose outcomes have the same numbers.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct McpResult {
    #[prost(oneof = "Outcome", tags = "1, 2, 3")]
    outcome: Option<Outcome>,
}

impl McpResult {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome: Some(outcome),
        }
    }
}

#[derive(Clone, PartialEq, prost::Oneof)]
#[prost(skip_debug)]
pub(super) enum Outcome {
    #[prost(message, tag = "1")]
    Pass(Pass),
    /// What goes on in place of the content.
    #[prost(bytes = "bytes", tag = "2")]
    Mutated(Bytes),
    #[prost(message, tag = "3")]
    Error(Authorization),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Pass {}

/// `AuthorizationError`: the message does not go on.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Authorization {
    #[prost(enumeration = "Code", tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Code {
    Unknown = 0,
    PermissionDenied = 1,
    ResourceExhausted = 2,
    Invalid = 3,
}
