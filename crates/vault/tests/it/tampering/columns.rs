//! The tables and columns to tamper with.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    /// Text that is absent in some rows.
    MaybeText,
    Number,
    MaybeNumber,
    Flag,
    Bytes,
}

pub(super) struct Table {
    pub(super) name: &'static str,
    /// How many of the first columns identify a row.
    pub(super) keys: usize,
    pub(super) columns: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Flag, Id, MaybeNumber, MaybeText, Number, Text};

pub(super) const USERS: Table = Table {
    name: "users",
    keys: 1,
    columns: &[
        ("user_id", Id),
        ("name", Text),
        ("origin", Text),
        ("is_disabled", Flag),
        ("secrets_limit", MaybeNumber),
        ("bytes_limit", MaybeNumber),
        ("created_at", Number),
        ("wrapped_key", Bytes),
        ("mac", Bytes),
    ],
};

pub(super) const LEDGERS: Table = Table {
    name: "ledgers",
    keys: 1,
    columns: &[("user_id", Id), ("generation", Number), ("sealed", Bytes)],
};

pub(super) const SECRETS: Table = Table {
    name: "secrets",
    keys: 1,
    columns: &[
        ("secret_id", Id),
        ("user_id", Id),
        ("name", Text),
        ("tool", MaybeText),
        ("argument", MaybeText),
        ("is_default", Flag),
        ("policy", Text),
        ("version", Number),
        ("created_at", Number),
        ("updated_at", Number),
        ("effective_at", Number),
    ],
};

pub(super) const VERSIONS: Table = Table {
    name: "secret_versions",
    keys: 2,
    columns: &[
        ("secret_id", Id),
        ("version", Number),
        ("data_key", Bytes),
        ("value", Bytes),
        ("display", Bytes),
        ("created_at", Number),
        ("created_by", Text),
        ("mac", Bytes),
    ],
};

// Who has the refresh token and when it was last used decide nothing.
pub(super) const CONNECTIONS: Table = Table {
    name: "connections",
    keys: 1,
    columns: &[
        ("connection_id", Id),
        ("user_id", Id),
        ("server", Text),
        ("issuer", Text),
        ("resource", Text),
        ("client_id", Text),
        ("scopes", Text),
        ("version", Number),
        ("connected_at", Number),
        ("renewed_at", Number),
        ("expires_at", MaybeNumber),
        ("can_refresh", Flag),
        ("needs_sign_in", Flag),
        ("data_key", Bytes),
        ("value", Bytes),
        ("display", Bytes),
    ],
};

pub(super) const API_KEYS: Table = Table {
    name: "api_keys",
    keys: 1,
    columns: &[
        ("key_id", Text),
        ("user_id", Id),
        ("name", Text),
        ("scopes", Text),
        ("tools", Text),
        ("is_any_user", Flag),
        ("creator_id", MaybeText),
        ("created_at", Number),
        ("expires_at", MaybeNumber),
        ("revoked_at", MaybeNumber),
        ("verifier", Bytes),
        ("mac", Bytes),
    ],
};

pub(super) const AUDIT_PAGES: Table = Table {
    name: "audit_pages",
    keys: 1,
    columns: &[
        ("page", Number),
        ("first_sequence", Number),
        ("last_sequence", Number),
        ("first_at", Number),
        ("last_at", Number),
        ("epoch", Number),
        ("records", Text),
        ("hash", Bytes),
        ("signature", Bytes),
    ],
};

pub(super) const AUDIT_EPOCHS: Table = Table {
    name: "audit_epochs",
    keys: 1,
    columns: &[
        ("epoch", Number),
        ("public_key", Bytes),
        ("first_page", Number),
        ("certificate", Bytes),
    ],
};

// The start of the epoch only affects when it ends, as does the number of pages.
pub(super) const AUDIT_HEAD: Table = Table {
    name: "audit_head",
    keys: 0,
    columns: &[
        ("page", Number),
        ("sequence", Number),
        ("hash", Bytes),
        ("epoch", Number),
        ("signing_key", Bytes),
    ],
};

pub(super) const AUDIT_CUT: Table = Table {
    name: "audit_cut",
    keys: 0,
    columns: &[
        ("page", Number),
        ("sequence", Number),
        ("hash", Bytes),
        ("kept", Bytes),
        ("mac", Bytes),
    ],
};

pub(super) const AUDIT_KEPT: Table = Table {
    name: "audit_kept",
    keys: 1,
    columns: &[("object", Text), ("content", Text)],
};

/// The targets of all manipulations except rare ones; a repeated entry is chosen more often.
pub(super) const TABLES: &[&Table] = &[
    &USERS,
    &LEDGERS,
    &SECRETS,
    &SECRETS,
    &SECRETS,
    &VERSIONS,
    &VERSIONS,
    &VERSIONS,
    &API_KEYS,
    &API_KEYS,
    &CONNECTIONS,
    &CONNECTIONS,
    &AUDIT_PAGES,
    &AUDIT_EPOCHS,
    &AUDIT_HEAD,
    &AUDIT_CUT,
    &AUDIT_KEPT,
];

pub(super) const KEYRING: Table = Table {
    name: "keyring",
    keys: 1,
    columns: &[("key_id", Number), ("purpose", Text), ("wrapped", Bytes)],
};

pub(super) const INSTALLATION: Table = Table {
    name: "installation",
    keys: 0,
    columns: &[("installation_id", Id)],
};
