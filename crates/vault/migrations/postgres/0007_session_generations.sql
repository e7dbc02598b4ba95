-- The generation to which each user's sessions must belong; 0 where there is no row. It outlives the user: the same person
-- at an issuer gets the same ID again, and no session of before may count then.
CREATE TABLE session_generations (
    user_id    UUID NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
);
