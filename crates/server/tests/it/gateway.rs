//! How the gateway is reached: under which names, with which credential, with how large a message, and the page on
//! which a person stores what a call lacked. What it answers to agents is tested where it is made.

mod challenge;
mod metadata;
mod names;
mod page;
mod requests;
