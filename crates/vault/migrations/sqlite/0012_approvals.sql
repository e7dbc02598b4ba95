-- Calls that a person is asked to allow, and what was decided. The MAC covers all other columns.
CREATE TABLE approvals (
    approval_id  BLOB NOT NULL PRIMARY KEY,
    user_id      BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    actor        TEXT NOT NULL,
    server       TEXT NOT NULL,
    tool         TEXT NOT NULL,
    definition   BLOB NOT NULL,
    arguments    BLOB NOT NULL,
    need         TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    requested_at INTEGER NOT NULL,
    expires_at   INTEGER,
    decision     TEXT,
    decided_at   INTEGER,
    decided_by   TEXT,
    used_at      INTEGER,
    mac          BLOB NOT NULL
) STRICT;

CREATE INDEX approvals_by_user ON approvals (user_id, requested_at);
