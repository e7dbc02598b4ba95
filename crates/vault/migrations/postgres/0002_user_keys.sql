-- While all user keys are replaced: the moment when that began. Keys that were made before are old.
ALTER TABLE installation ADD COLUMN user_keys_before BIGINT;

-- A user's secrets in order, so that a rotation can take them in portions.
CREATE INDEX secrets_in_order ON secrets (user_id, secret_id);
DROP INDEX secrets_by_user;
