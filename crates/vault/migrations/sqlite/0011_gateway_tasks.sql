-- Who began which task at a tool server, so that every server of the store can answer the next request about it.
CREATE TABLE gateway_tasks (
    task       BLOB NOT NULL PRIMARY KEY,
    user_id    BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX gateway_tasks_by_user ON gateway_tasks (user_id, created_at);
