-- What came for a trigger while it was paused: delivered in this order when it is resumed, each once.
CREATE TABLE arrivals (
    no           INTEGER PRIMARY KEY,
    trigger_id   TEXT NOT NULL,
    event_key    TEXT NOT NULL,
    instance     BLOB NOT NULL,
    arrived_at   INTEGER NOT NULL,
    UNIQUE (trigger_id, event_key)
);
CREATE INDEX arrivals_at ON arrivals (arrived_at);
