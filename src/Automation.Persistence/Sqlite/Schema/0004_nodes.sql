-- What several processes on one database keep in common.

-- Raised by whoever changes what others hold in memory.
CREATE TABLE changes (
    topic    TEXT PRIMARY KEY,
    version  INTEGER NOT NULL
);

-- Keys of the installation, encrypted with its key file.
CREATE TABLE key_ring (
    id          TEXT PRIMARY KEY,
    xml         TEXT NOT NULL,
    created_at  INTEGER NOT NULL
);

-- Files that runs write.
CREATE TABLE files (
    name        TEXT PRIMARY KEY,
    data        BLOB NOT NULL,
    updated_at  INTEGER NOT NULL
);

-- API budgets: what is granted of the present window and day.
CREATE TABLE budgets (
    key          TEXT PRIMARY KEY,
    location_id  TEXT,
    state        TEXT NOT NULL
);

-- The process that worked on a run last.
ALTER TABLE instances ADD COLUMN node TEXT;
