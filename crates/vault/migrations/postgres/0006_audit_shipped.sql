-- Up to where the audit trail was shipped to a receiver elsewhere. Absent: nothing was.
CREATE TABLE audit_shipped (
    only_row   BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page       BIGINT NOT NULL,
    sequence   BIGINT NOT NULL,
    hash       BYTEA NOT NULL,
    shipped_at BIGINT NOT NULL,
    mac        BYTEA NOT NULL
);
