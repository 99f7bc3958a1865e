-- Events that nobody took: kept for a while for a run that comes to wait for them.
CREATE TABLE held_events (
    no                    INTEGER PRIMARY KEY,
    hash                  TEXT NOT NULL,
    instance_id           TEXT,
    correlation_id        TEXT,
    activity_instance_id  TEXT,
    payload               BLOB,
    until                 INTEGER NOT NULL
);
CREATE INDEX held_events_hash ON held_events (hash);
CREATE INDEX held_events_until ON held_events (until);
