-- Sign-in links that were used and sessions that were ended, until they would have expired by themselves.
CREATE TABLE ended_sign_ins (
    sign_in_id BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
