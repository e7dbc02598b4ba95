//! The audit trail as data: records, the pages that hold them, and the signed chain of pages.
//!
//! The records of one commit are one [`page`]. A page's hash covers its records and the hash of the
//! page before; an Ed25519 key (RFC 8032) signs it. A signing key lives for one [`epoch`]: it signs its
//! successor and is erased, so a stolen key of today cannot rewrite yesterday. [`chain`] verifies
//! the whole from the first public key alone; a [`checkpoint`] kept elsewhere shows whether its end was cut off.

pub mod chain;
pub mod checkpoint;
pub mod epoch;
pub mod page;
pub mod record;
