//! `/v1/tools/{tool_name}` and `/v1/resolve`: what a tool receives.

mod batch;
mod bindings;
mod defaults;
mod explain;
mod request;
mod spelling;
