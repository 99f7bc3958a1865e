-- Tokens of OAuth 2.0 connections: the account's own (location '') and those of locations that an agency's token gave.
CREATE TABLE tokens (
    connection_id  TEXT COLLATE "C" NOT NULL,
    location_id    TEXT COLLATE "C" NOT NULL,
    secret         BYTEA,
    user_type      TEXT COLLATE "C",
    scopes         TEXT COLLATE "C",
    issued_at      BIGINT,
    expires_at     BIGINT,
    refreshed_at   BIGINT,
    error          TEXT COLLATE "C",
    failed_at      BIGINT,
    is_refused     INTEGER NOT NULL DEFAULT 0,
    version        BIGINT NOT NULL DEFAULT 0,
    lease_owner    TEXT COLLATE "C",
    lease_token    BIGINT NOT NULL DEFAULT 0,
    lease_until    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (connection_id, location_id)
);

-- Authorizations that people have begun: taken once, when the provider sends them back.
CREATE TABLE authorizations (
    hash           TEXT COLLATE "C" PRIMARY KEY,
    connection_id  TEXT COLLATE "C" NOT NULL,
    session_hash   TEXT COLLATE "C" NOT NULL,
    redirect_uri   TEXT COLLATE "C" NOT NULL,
    user_name      TEXT COLLATE "C",
    expires_at     BIGINT NOT NULL
);
