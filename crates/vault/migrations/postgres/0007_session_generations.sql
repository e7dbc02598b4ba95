-- How often all sessions of a user were ended. Sessions of an earlier generation are over.
CREATE TABLE session_generations (
    user_id    UUID NOT NULL PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
    generation BIGINT NOT NULL
);
