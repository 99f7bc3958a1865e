-- What came for a trigger while it was paused: delivered in this order when it is resumed, each once.
CREATE TABLE arrivals (
    no           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trigger_id   TEXT COLLATE "C" NOT NULL,
    event_key    TEXT COLLATE "C" NOT NULL,
    instance     BYTEA NOT NULL,
    arrived_at   BIGINT NOT NULL,
    UNIQUE (trigger_id, event_key)
);
CREATE INDEX arrivals_at ON arrivals (arrived_at);
