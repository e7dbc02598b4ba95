-- The definitions of the gateway's tools, as first seen or as an operator accepted them, and the last that differed.
CREATE TABLE tool_pins (
    server             TEXT NOT NULL,
    tool               TEXT NOT NULL,
    hash               BYTEA NOT NULL,
    definition         TEXT,
    pinned_at          BIGINT NOT NULL,
    changed_hash       BYTEA,
    changed_definition TEXT,
    changed_at         BIGINT,
    mac                BYTEA NOT NULL,
    PRIMARY KEY (server, tool)
);
