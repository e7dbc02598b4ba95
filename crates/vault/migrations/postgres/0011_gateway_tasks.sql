-- Who began which task at a tool server, so that every server of the store can answer the next request about it.
CREATE TABLE gateway_tasks (
    task       BYTEA NOT NULL PRIMARY KEY,
    user_id    UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX gateway_tasks_by_user ON gateway_tasks (user_id, created_at);
