-- One installation per database: its identity and its keyring.
CREATE TABLE installation (
    only_row        BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    installation_id UUID NOT NULL,
    root_key_salt   BYTEA NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE keyring (
    key_id  BIGINT NOT NULL PRIMARY KEY,
    purpose TEXT COLLATE "C" NOT NULL,
    wrapped BYTEA NOT NULL
);

-- All moments are microseconds since 1970, UTC.
CREATE TABLE users (
    user_id       UUID NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    origin        TEXT COLLATE "C" NOT NULL,
    is_disabled   BOOLEAN NOT NULL,
    secrets_limit BIGINT,
    bytes_limit   BIGINT,
    created_at    BIGINT NOT NULL,
    wrapped_key   BYTEA NOT NULL,
    mac           BYTEA NOT NULL
);

CREATE UNIQUE INDEX users_local_name ON users (name) WHERE origin = 'local';

-- The lock on a user's secrets, and the sealed figures of the quota.
CREATE TABLE ledgers (
    user_id    UUID NOT NULL PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    sealed     BYTEA NOT NULL
);

CREATE TABLE secrets (
    secret_id    UUID NOT NULL PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    tool         TEXT COLLATE "C",
    argument     TEXT COLLATE "C",
    is_default   BOOLEAN NOT NULL,
    policy       TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    effective_at BIGINT NOT NULL
);

CREATE INDEX secrets_by_user ON secrets (user_id);

CREATE TABLE secret_versions (
    secret_id  UUID NOT NULL REFERENCES secrets (secret_id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    data_key   BYTEA NOT NULL,
    value      BYTEA NOT NULL,
    display    BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    mac        BYTEA NOT NULL,
    PRIMARY KEY (secret_id, version)
);

CREATE TABLE api_keys (
    key_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id     UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name        TEXT COLLATE "C" NOT NULL,
    scopes      TEXT COLLATE "C" NOT NULL,
    tools       TEXT COLLATE "C" NOT NULL,
    is_any_user BOOLEAN NOT NULL,
    creator_id  TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    revoked_at  BIGINT,
    verifier    BYTEA NOT NULL,
    mac         BYTEA NOT NULL
);

CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE api_key_uses (
    key_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES api_keys (key_id) ON DELETE CASCADE,
    last_used_at BIGINT NOT NULL
);

-- What was answered to a request that may be sent again, for 24 hours.
CREATE TABLE idempotent_answers (
    user_id    UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    key_hash   BYTEA NOT NULL,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key_hash)
);

CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);

-- The records of one commit are one page; pages form a chain.
CREATE TABLE audit_pages (
    page           BIGINT NOT NULL PRIMARY KEY,
    first_sequence BIGINT NOT NULL UNIQUE,
    last_sequence  BIGINT NOT NULL,
    first_at       BIGINT NOT NULL,
    last_at        BIGINT NOT NULL,
    epoch          BIGINT NOT NULL,
    records        TEXT COLLATE "C" NOT NULL,
    hash           BYTEA NOT NULL,
    signature      BYTEA NOT NULL
);

CREATE TABLE audit_epochs (
    epoch       BIGINT NOT NULL PRIMARY KEY,
    public_key  BYTEA NOT NULL,
    first_page  BIGINT NOT NULL,
    certificate BYTEA NOT NULL
);

-- The lock on the chain, and its newest page.
CREATE TABLE audit_head (
    only_row       BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page           BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    hash           BYTEA NOT NULL,
    epoch          BIGINT NOT NULL,
    epoch_began_at BIGINT NOT NULL,
    signing_key    BYTEA NOT NULL
);
