-- One installation per database: its identity and its keyring.
CREATE TABLE installation (
    only_row        INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    installation_id BLOB NOT NULL,
    root_key_salt   BLOB NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE keyring (
    key_id  INTEGER NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

-- All moments are microseconds since 1970, UTC.
CREATE TABLE users (
    user_id       BLOB NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL,
    origin        TEXT NOT NULL,
    is_disabled   INTEGER NOT NULL,
    secrets_limit INTEGER,
    bytes_limit   INTEGER,
    created_at    INTEGER NOT NULL,
    wrapped_key   BLOB NOT NULL,
    mac           BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX users_local_name ON users (name) WHERE origin = 'local';

-- The lock on a user's secrets, and the sealed figures of the quota.
CREATE TABLE ledgers (
    user_id    BLOB NOT NULL PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT;

CREATE TABLE secrets (
    secret_id    BLOB NOT NULL PRIMARY KEY,
    user_id      BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    tool         TEXT,
    argument     TEXT,
    is_default   INTEGER NOT NULL,
    policy       TEXT NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    effective_at INTEGER NOT NULL
) STRICT;

CREATE INDEX secrets_by_user ON secrets (user_id);

CREATE TABLE secret_versions (
    secret_id  BLOB NOT NULL REFERENCES secrets (secret_id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    data_key   BLOB NOT NULL,
    value      BLOB NOT NULL,
    display    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    mac        BLOB NOT NULL,
    PRIMARY KEY (secret_id, version)
) STRICT;

CREATE TABLE api_keys (
    key_id      TEXT NOT NULL PRIMARY KEY,
    user_id     BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    scopes      TEXT NOT NULL,
    tools       TEXT NOT NULL,
    is_any_user INTEGER NOT NULL,
    creator_id  TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    verifier    BLOB NOT NULL,
    mac         BLOB NOT NULL
) STRICT;

CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE api_key_uses (
    key_id       TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (key_id) ON DELETE CASCADE,
    last_used_at INTEGER NOT NULL
) STRICT;

-- What was answered to a request that may be sent again, for 24 hours.
CREATE TABLE idempotent_answers (
    user_id    BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    key_hash   BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key_hash)
) STRICT;

CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);

-- The records of one commit are one page; pages form a chain.
CREATE TABLE audit_pages (
    page           INTEGER NOT NULL PRIMARY KEY,
    first_sequence INTEGER NOT NULL UNIQUE,
    last_sequence  INTEGER NOT NULL,
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    records        TEXT NOT NULL,
    hash           BLOB NOT NULL,
    signature      BLOB NOT NULL
) STRICT;

CREATE TABLE audit_epochs (
    epoch       INTEGER NOT NULL PRIMARY KEY,
    public_key  BLOB NOT NULL,
    first_page  INTEGER NOT NULL,
    certificate BLOB NOT NULL
) STRICT;

-- The lock on the chain, and its newest page.
CREATE TABLE audit_head (
    only_row       INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page           INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    hash           BLOB NOT NULL,
    epoch          INTEGER NOT NULL,
    epoch_began_at INTEGER NOT NULL,
    signing_key    BLOB NOT NULL
) STRICT;
