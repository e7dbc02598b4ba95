//! The whole command line, with the real binary and a store for each test.
//!
//! [`installation`] is a data directory with an optional server.

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod beside_a_server;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod bucket;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod doctor;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(test)]
mod help;
#[cfg(test)]
mod inject;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod keys_and_users;
#[cfg(test)]
mod mcp;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory;
#[cfg(test)]
mod open;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod run;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(test)]
mod secret_commands;
#[cfg(test)]
mod secret_import;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod serve;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod ship;
#[cfg(test)]
mod status;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod traces;
#[cfg(test)]
mod unreachable;
#[cfg(test)]
mod values;
