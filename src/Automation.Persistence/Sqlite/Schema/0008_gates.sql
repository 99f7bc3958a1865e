-- Gates: where runs of a flow meet. Each answer is kept under the execution's effect key, and belongs to a lineage as effects do.
CREATE TABLE gate_answers (
    effect_key  TEXT PRIMARY KEY,
    lineage     TEXT NOT NULL,
    answer      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX gate_answers_lineage ON gate_answers (lineage);

-- Only Once: who came first, and until when that counts.
CREATE TABLE gate_claims (
    scope  TEXT NOT NULL,
    key    TEXT NOT NULL,
    until  INTEGER,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX gate_claims_until ON gate_claims (until) WHERE until IS NOT NULL;

-- Throttle: times that were granted, as long as they count.
CREATE TABLE gate_grants (
    no     INTEGER PRIMARY KEY,
    scope  TEXT NOT NULL,
    key    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    until  INTEGER NOT NULL
);
CREATE INDEX gate_grants_key ON gate_grants (scope, key, at);
CREATE INDEX gate_grants_until ON gate_grants (until);

-- Digest: state 0 collects, 1 is full, 2 was released. Of each key one collects.
CREATE TABLE digests (
    no           INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    state        INTEGER NOT NULL,
    collector    TEXT NOT NULL,
    lineage      TEXT NOT NULL,
    instance_id  TEXT NOT NULL,
    bookmark_id  TEXT NOT NULL,
    most         INTEGER NOT NULL,
    item_count   INTEGER NOT NULL,
    due_at       INTEGER
);
CREATE UNIQUE INDEX digests_open ON digests (scope, key) WHERE state = 0;
CREATE INDEX digests_lineage ON digests (lineage);

CREATE TABLE digest_items (
    no         INTEGER PRIMARY KEY,
    digest_no  INTEGER NOT NULL REFERENCES digests (no) ON DELETE CASCADE,
    item       BLOB NOT NULL
);
CREATE INDEX digest_items_digest ON digest_items (digest_no);
