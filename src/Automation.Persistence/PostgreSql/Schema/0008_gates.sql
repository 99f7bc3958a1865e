-- Gates: where runs of a flow meet. Each answer is kept under the execution's effect key, and belongs to a lineage as effects do.
CREATE TABLE gate_answers (
    effect_key  TEXT COLLATE "C" PRIMARY KEY,
    lineage     TEXT COLLATE "C" NOT NULL,
    answer      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX gate_answers_lineage ON gate_answers (lineage);

-- Only Once: who came first, and until when that counts.
CREATE TABLE gate_claims (
    scope  TEXT COLLATE "C" NOT NULL,
    key    TEXT COLLATE "C" NOT NULL,
    until  BIGINT,
    PRIMARY KEY (scope, key)
);
CREATE INDEX gate_claims_until ON gate_claims (until) WHERE until IS NOT NULL;

-- Throttle: times that were granted, as long as they count.
CREATE TABLE gate_grants (
    no     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope  TEXT COLLATE "C" NOT NULL,
    key    TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL,
    until  BIGINT NOT NULL
);
CREATE INDEX gate_grants_key ON gate_grants (scope, key, at);
CREATE INDEX gate_grants_until ON gate_grants (until);

-- Digest: state 0 collects, 1 is full, 2 was released. Of each key one collects.
CREATE TABLE digests (
    no           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    scope        TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    state        INTEGER NOT NULL,
    collector    TEXT COLLATE "C" NOT NULL,
    lineage      TEXT COLLATE "C" NOT NULL,
    instance_id  TEXT COLLATE "C" NOT NULL,
    bookmark_id  TEXT COLLATE "C" NOT NULL,
    most         INTEGER NOT NULL,
    item_count   INTEGER NOT NULL,
    due_at       BIGINT
);
CREATE UNIQUE INDEX digests_open ON digests (scope, key) WHERE state = 0;
CREATE INDEX digests_lineage ON digests (lineage);

CREATE TABLE digest_items (
    no         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest_no  BIGINT NOT NULL REFERENCES digests (no) ON DELETE CASCADE,
    item       BYTEA NOT NULL
);
CREATE INDEX digest_items_digest ON digest_items (digest_no);
