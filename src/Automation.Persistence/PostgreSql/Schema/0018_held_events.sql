-- Events that nobody took: kept for a while for a run that comes to wait for them.
CREATE TABLE held_events (
    no                    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash                  TEXT COLLATE "C" NOT NULL,
    instance_id           TEXT COLLATE "C",
    correlation_id        TEXT COLLATE "C",
    activity_instance_id  TEXT COLLATE "C",
    payload               BYTEA,
    until                 BIGINT NOT NULL
);
CREATE INDEX held_events_hash ON held_events (hash);
CREATE INDEX held_events_until ON held_events (until);
