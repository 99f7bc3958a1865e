-- Who started last under an activation strategy: as long as that run is not finished, no other starts. Runs of flows without a strategy write nothing here.
CREATE TABLE activations (
    name         TEXT PRIMARY KEY,
    instance_id  TEXT NOT NULL
);
CREATE INDEX activations_instance ON activations (instance_id);
