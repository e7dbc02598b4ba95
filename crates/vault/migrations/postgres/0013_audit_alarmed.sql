-- Up to where the audit trail was read for alarms. Absent: it was not.
CREATE TABLE audit_alarmed (
    only_row   BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page       BIGINT NOT NULL,
    sequence   BIGINT NOT NULL,
    hash       BYTEA NOT NULL,
    shipped_at BIGINT NOT NULL,
    mac        BYTEA NOT NULL
);
