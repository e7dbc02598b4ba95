-- Where the audit trail begins after its oldest pages were pruned. Absent: at its first page.
CREATE TABLE audit_cut (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    page     BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    kept     BYTEA NOT NULL,
    mac      BYTEA NOT NULL
);

-- What is kept of the pruned pages: the states in which they left the rows of users, keys and secrets, and the hashes
-- that certificates of epochs cover. The cut has the hash of all.
CREATE TABLE audit_kept (
    object  TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);
