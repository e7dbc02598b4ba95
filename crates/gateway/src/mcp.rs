//! Tools of MCP servers: passed on as they came, without the arguments that are keys.
//!
//! `schema` reads and cleans the definition of one tool.

#[cfg_attr(
    not(test),
    expect(
        dead_code,
        unused_imports,
        reason = "the relay that asks is built beside it"
    )
)]
pub(crate) mod schema;
