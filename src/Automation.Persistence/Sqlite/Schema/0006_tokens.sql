-- Tokens of OAuth 2.0 connections: the account's own (location '') and those of locations that an agency's token gave.
CREATE TABLE tokens (
    connection_id  TEXT NOT NULL,
    location_id    TEXT NOT NULL,
    secret         BLOB,
    user_type      TEXT,
    scopes         TEXT,
    issued_at      INTEGER,
    expires_at     INTEGER,
    refreshed_at   INTEGER,
    error          TEXT,
    failed_at      INTEGER,
    is_refused     INTEGER NOT NULL DEFAULT 0,
    version        INTEGER NOT NULL DEFAULT 0,
    lease_owner    TEXT,
    lease_token    INTEGER NOT NULL DEFAULT 0,
    lease_until    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (connection_id, location_id)
) WITHOUT ROWID;

-- Authorizations that people have begun: taken once, when the provider sends them back.
CREATE TABLE authorizations (
    hash           TEXT PRIMARY KEY,
    connection_id  TEXT NOT NULL,
    session_hash   TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    user_name      TEXT,
    expires_at     INTEGER NOT NULL
) WITHOUT ROWID;
