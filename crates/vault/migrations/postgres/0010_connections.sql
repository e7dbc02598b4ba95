-- The tokens with which the gateway acts for a user at a tool server. The wrapped data key is bound to all columns
-- except the last three.
CREATE TABLE connections (
    connection_id UUID NOT NULL PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    server        TEXT COLLATE "C" NOT NULL,
    issuer        TEXT COLLATE "C" NOT NULL,
    resource      TEXT COLLATE "C" NOT NULL,
    client_id     TEXT COLLATE "C" NOT NULL,
    scopes        TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    connected_at  BIGINT NOT NULL,
    renewed_at    BIGINT NOT NULL,
    expires_at    BIGINT,
    can_refresh   BOOLEAN NOT NULL,
    needs_sign_in BOOLEAN NOT NULL,
    data_key      BYTEA NOT NULL,
    value         BYTEA NOT NULL,
    display       BYTEA NOT NULL,
    last_used_at  BIGINT,
    lease_id      UUID,
    leased_until  BIGINT,
    UNIQUE (user_id, server)
);

-- How this installation is registered at authorization servers (RFC 7591), sealed.
CREATE TABLE client_registrations (
    issuer       TEXT COLLATE "C" NOT NULL,
    redirect_uri TEXT COLLATE "C" NOT NULL,
    sealed       BYTEA NOT NULL,
    PRIMARY KEY (issuer, redirect_uri)
);
