-- The tokens with which the gateway acts for a user at a tool server. The wrapped data key is bound to all columns
-- except the last three.
CREATE TABLE connections (
    connection_id BLOB NOT NULL PRIMARY KEY,
    user_id       BLOB NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    server        TEXT NOT NULL,
    issuer        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    client_id     TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    version       INTEGER NOT NULL,
    connected_at  INTEGER NOT NULL,
    renewed_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    can_refresh   INTEGER NOT NULL,
    needs_sign_in INTEGER NOT NULL,
    data_key      BLOB NOT NULL,
    value         BLOB NOT NULL,
    display       BLOB NOT NULL,
    last_used_at  INTEGER,
    lease_id      BLOB,
    leased_until  INTEGER,
    UNIQUE (user_id, server)
) STRICT;

-- How this installation is registered at authorization servers (RFC 7591), sealed.
CREATE TABLE client_registrations (
    issuer       TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    PRIMARY KEY (issuer, redirect_uri)
) STRICT;
