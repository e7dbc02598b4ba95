//! The audit trail as data: records, the pages that hold them, and the signed chain of pages.
//!
//! The records of one commit form one [`page`]. A page's hash covers its records and the previous page's hash; an
//! Ed25519 key (RFC 8032) signs it. A signing key lives for one [`epoch`]: it signs its successor and is erased, so a
//! stolen key cannot rewrite earlier pages. [`chain`] verifies the whole trail from the first public key alone. A
//! [`checkpoint`] kept elsewhere shows whether the trail was truncated. A [`journal`] holds records of uses until a page
//! has them. A trail whose oldest pages were pruned begins at a [`cut`].

pub mod chain;
pub mod checkpoint;
pub mod cut;
pub mod epoch;
pub mod journal;
pub mod page;
pub mod record;
