//! The dashboard: its files, and people who sign in, work and sign out in a browser.

mod attacks;
mod links;
mod page;
mod sessions;
