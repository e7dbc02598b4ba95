-- The definitions of the gateway's tools, as first seen or as an operator accepted them, and the last that differed.
CREATE TABLE tool_pins (
    server             TEXT NOT NULL,
    tool               TEXT NOT NULL,
    hash               BLOB NOT NULL,
    definition         TEXT,
    pinned_at          INTEGER NOT NULL,
    changed_hash       BLOB,
    changed_definition TEXT,
    changed_at         INTEGER,
    mac                BLOB NOT NULL,
    PRIMARY KEY (server, tool)
) STRICT;
