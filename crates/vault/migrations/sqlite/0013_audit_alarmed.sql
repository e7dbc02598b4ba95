-- Up to where the audit trail was read for alarms. Absent: it was not.
CREATE TABLE audit_alarmed (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page       INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    shipped_at INTEGER NOT NULL,
    mac        BLOB NOT NULL
) STRICT;
