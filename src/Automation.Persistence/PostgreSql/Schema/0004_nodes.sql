-- What several processes on one database keep in common.

-- Raised by whoever changes what others hold in memory.
CREATE TABLE changes (
    topic    TEXT COLLATE "C" PRIMARY KEY,
    version  BIGINT NOT NULL
);

-- Keys of the installation, encrypted with its key file.
CREATE TABLE key_ring (
    id          TEXT COLLATE "C" PRIMARY KEY,
    xml         TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL
);

-- Files that runs write.
CREATE TABLE files (
    name        TEXT COLLATE "C" PRIMARY KEY,
    data        BYTEA NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- API budgets: what is granted of the present window and day.
CREATE TABLE budgets (
    key          TEXT COLLATE "C" PRIMARY KEY,
    location_id  TEXT COLLATE "C",
    state        TEXT COLLATE "C" NOT NULL
);

-- The process that worked on a run last.
ALTER TABLE instances ADD COLUMN node TEXT COLLATE "C";
