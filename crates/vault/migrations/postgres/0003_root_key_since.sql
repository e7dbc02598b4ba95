-- When the root key was replaced, in microseconds since 1970, UTC. Absent: it is the one of the set-up.
ALTER TABLE installation ADD COLUMN root_key_since BIGINT;
