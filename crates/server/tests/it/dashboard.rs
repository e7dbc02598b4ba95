//! The dashboard: its files, and people who sign in, work and sign out in a browser.

mod approvals;
mod attacks;
mod callback;
mod issuer_attacks;
mod issuers;
mod links;
mod page;
mod sessions;
