-- Calls that a person is asked to allow, and what was decided. The MAC covers all other columns.
CREATE TABLE approvals (
    approval_id  UUID NOT NULL PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    actor        TEXT COLLATE "C" NOT NULL,
    server       TEXT COLLATE "C" NOT NULL,
    tool         TEXT COLLATE "C" NOT NULL,
    definition   BYTEA NOT NULL,
    arguments    BYTEA NOT NULL,
    need         TEXT COLLATE "C" NOT NULL,
    sealed       BYTEA NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at   BIGINT,
    decision     TEXT COLLATE "C",
    decided_at   BIGINT,
    decided_by   TEXT COLLATE "C",
    used_at      BIGINT,
    mac          BYTEA NOT NULL
);

CREATE INDEX approvals_by_user ON approvals (user_id, requested_at);
