-- Times are UTC ticks, durations are ticks. Payload columns hold what Encoding/Payload writes (one tag byte, then raw or Brotli).
-- Texts are compared byte by byte ("C"), as on SQLite: ranges of keys rely on it. Names of people's own are compared in any case (nocase).
-- Rows that others point to have a number of their own (no): narrow keys, and new rows go to the end of their indexes.

CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE TABLE definition_versions (
    id             TEXT COLLATE "C" PRIMARY KEY,
    definition_id  TEXT COLLATE "C" NOT NULL,
    version        INTEGER NOT NULL,
    name           TEXT COLLATE "C",
    description    TEXT COLLATE "C",
    is_latest      INTEGER NOT NULL,
    is_published   INTEGER NOT NULL,
    is_readonly    INTEGER NOT NULL,
    is_system      INTEGER NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    tool_version   TEXT COLLATE "C",
    created_at     BIGINT NOT NULL,
    json           TEXT COLLATE "C" NOT NULL,
    UNIQUE (definition_id, version)
);
CREATE UNIQUE INDEX definition_versions_latest ON definition_versions (definition_id) WHERE is_latest = 1;
CREATE UNIQUE INDEX definition_versions_published ON definition_versions (definition_id) WHERE is_published = 1;

CREATE TABLE connections (
    id           TEXT COLLATE "C" PRIMARY KEY,
    name         TEXT COLLATE nocase NOT NULL UNIQUE,
    connector    TEXT COLLATE "C" NOT NULL,
    base_url     TEXT COLLATE "C" NOT NULL,
    location_id  TEXT COLLATE "C",
    company_id   TEXT COLLATE "C",
    auth_kind    TEXT COLLATE "C" NOT NULL,
    secret       BYTEA NOT NULL,
    is_sandbox   INTEGER NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

CREATE TABLE users (
    name           TEXT COLLATE nocase PRIMARY KEY,
    password_hash  TEXT COLLATE "C" NOT NULL,
    role           TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL UNIQUE,
    role        TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE settings (
    name   TEXT COLLATE "C" PRIMARY KEY,
    value  TEXT COLLATE "C" NOT NULL
);

CREATE TABLE sources (
    no               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               TEXT COLLATE "C" NOT NULL UNIQUE,
    connection_id    TEXT COLLATE "C" NOT NULL,
    location_id      TEXT COLLATE "C",
    operation        TEXT COLLATE "C" NOT NULL,
    inputs           TEXT COLLATE "C" NOT NULL,
    interval         BIGINT NOT NULL,
    is_active        INTEGER NOT NULL DEFAULT 0,  -- has a trigger that is not paused
    baselined_at     BIGINT,
    watermark        BIGINT,
    scan_upper       BIGINT,
    page_token       TEXT COLLATE "C",
    scan_pages       INTEGER NOT NULL DEFAULT 0,
    scan_started_at  BIGINT,
    ledger_end       BIGINT NOT NULL DEFAULT 0,
    due_at           BIGINT,
    last_poll_at     BIGINT,
    last_success_at  BIGINT,
    last_error       TEXT COLLATE "C",
    failures         INTEGER NOT NULL DEFAULT 0,
    item_count       BIGINT NOT NULL DEFAULT 0,
    lease_owner      TEXT COLLATE "C",
    lease_token      BIGINT NOT NULL DEFAULT 0,
    lease_until      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sources_due ON sources (due_at) WHERE is_active = 1;
CREATE INDEX sources_connection ON sources (connection_id);

CREATE TABLE items (
    no             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_no      BIGINT NOT NULL REFERENCES sources (no) ON DELETE CASCADE,
    item_id        TEXT COLLATE "C" NOT NULL,
    hash           TEXT COLLATE "C" NOT NULL,
    updated_at     BIGINT,
    revision       INTEGER NOT NULL,
    seen_at        BIGINT NOT NULL,
    from_baseline  INTEGER NOT NULL,
    payload        BYTEA NOT NULL,
    UNIQUE (source_no, item_id)
);

CREATE TABLE item_subjects (
    source_no  BIGINT NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    item_no    BIGINT NOT NULL REFERENCES items (no) ON DELETE CASCADE,
    PRIMARY KEY (source_no, subject, item_no)
);

CREATE TABLE events (
    no           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_no    BIGINT NOT NULL REFERENCES sources (no) ON DELETE CASCADE,
    location_id  TEXT COLLATE "C",
    sequence     BIGINT NOT NULL,
    item_id      TEXT COLLATE "C" NOT NULL,
    revision     INTEGER NOT NULL,
    observed_at  BIGINT NOT NULL,
    item         BYTEA NOT NULL,
    previous     BYTEA,
    subjects     TEXT COLLATE "C",
    UNIQUE (source_no, sequence)
);

CREATE TABLE triggers (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    definition_id       TEXT COLLATE "C" NOT NULL,
    version_id          TEXT COLLATE "C" NOT NULL,
    activity_id         TEXT COLLATE "C" NOT NULL,
    activity_type       TEXT COLLATE "C" NOT NULL,
    kind                TEXT COLLATE "C" NOT NULL,
    location_id         TEXT COLLATE "C",
    connection_id       TEXT COLLATE "C",
    source_id           TEXT COLLATE "C",
    hash                TEXT COLLATE "C",
    mode                TEXT COLLATE "C" NOT NULL,
    configured          TEXT COLLATE "C",
    time_zone           TEXT COLLATE "C",
    effective_interval  BIGINT,
    settings            TEXT COLLATE "C" NOT NULL,
    position            BIGINT NOT NULL,
    generation          INTEGER NOT NULL,
    is_paused           INTEGER NOT NULL,
    due_at              BIGINT,
    created_at          BIGINT NOT NULL,
    last_fired_at       BIGINT
);
CREATE INDEX triggers_definition ON triggers (definition_id);
CREATE INDEX triggers_source ON triggers (source_id, is_paused) WHERE source_id IS NOT NULL;
CREATE INDEX triggers_hash ON triggers (hash) WHERE hash IS NOT NULL;
CREATE INDEX triggers_due ON triggers (due_at) WHERE is_paused = 0 AND due_at IS NOT NULL;

-- What was delivered stays when its run is deleted: it must not be delivered again.
CREATE TABLE deliveries (
    trigger_id   TEXT COLLATE "C" NOT NULL,
    event_key    TEXT COLLATE "C" NOT NULL,
    generation   INTEGER NOT NULL,
    instance_id  TEXT COLLATE "C",
    reason       TEXT COLLATE "C",
    at           BIGINT NOT NULL,
    PRIMARY KEY (trigger_id, event_key, generation)
);
CREATE INDEX deliveries_at ON deliveries (trigger_id, at);

CREATE TABLE instances (
    no                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                  TEXT COLLATE "C" NOT NULL UNIQUE,
    definition_id       TEXT COLLATE "C" NOT NULL,
    version_id          TEXT COLLATE "C" NOT NULL,
    version             INTEGER NOT NULL,
    definition_name     TEXT COLLATE "C",
    status              INTEGER NOT NULL,
    sub_status          INTEGER NOT NULL,
    correlation_id      TEXT COLLATE "C",
    name                TEXT COLLATE "C",
    location_id         TEXT COLLATE "C",
    parent_instance_id  TEXT COLLATE "C",
    parent_bookmark_id  TEXT COLLATE "C",
    lineage             TEXT COLLATE "C" NOT NULL,
    trigger_id          TEXT COLLATE "C",
    started_by          TEXT COLLATE "C" NOT NULL,
    is_sandbox          INTEGER NOT NULL,
    incident_count      INTEGER NOT NULL DEFAULT 0,
    error               TEXT COLLATE "C",
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    started_at          BIGINT,
    finished_at         BIGINT,
    runnable            INTEGER NOT NULL,  -- pending, with stimuli, or leased: to be claimed once lease_until has passed
    attempts            INTEGER NOT NULL DEFAULT 0,
    lease_owner         TEXT COLLATE "C",
    lease_token         BIGINT NOT NULL DEFAULT 0,
    lease_until         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX instances_runnable ON instances (lease_until) WHERE runnable = 1;
CREATE INDEX instances_created ON instances (created_at);
CREATE INDEX instances_updated ON instances (updated_at);
CREATE INDEX instances_finished ON instances (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX instances_definition ON instances (definition_id, created_at);
CREATE INDEX instances_not_done ON instances (created_at) WHERE sub_status <> 3;
CREATE INDEX instances_incidents ON instances (created_at) WHERE incident_count > 0;
CREATE INDEX instances_trigger ON instances (trigger_id, created_at) WHERE trigger_id IS NOT NULL;
CREATE INDEX instances_parent ON instances (parent_instance_id) WHERE parent_instance_id IS NOT NULL;
CREATE INDEX instances_correlation ON instances (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX instances_replays ON instances (lineage) WHERE lineage <> id;

-- Apart from their instance, so that lists read narrow rows.
CREATE TABLE instance_states (
    instance_no  BIGINT PRIMARY KEY REFERENCES instances (no) ON DELETE CASCADE,
    start        BYTEA NOT NULL,
    state        BYTEA
);

CREATE TABLE subjects (
    subject      TEXT COLLATE "C" NOT NULL,
    instance_no  BIGINT NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    PRIMARY KEY (subject, instance_no)
);
CREATE INDEX subjects_instance ON subjects (instance_no);

CREATE TABLE journal_segments (
    no           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_no  BIGINT NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    data         BYTEA NOT NULL
);
CREATE INDEX journal_segments_instance ON journal_segments (instance_no);

-- Journal values over 64 KB.
CREATE TABLE payloads (
    id           TEXT COLLATE "C" PRIMARY KEY,
    instance_no  BIGINT NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    data         BYTEA NOT NULL
);
CREATE INDEX payloads_instance ON payloads (instance_no);

CREATE TABLE bookmarks (
    id                    TEXT COLLATE "C" PRIMARY KEY,
    instance_no           BIGINT NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    name                  TEXT COLLATE "C" NOT NULL,
    key                   TEXT COLLATE "C",
    hash                  TEXT COLLATE "C" NOT NULL,
    tag                   TEXT COLLATE "C",
    activity_id           TEXT COLLATE "C" NOT NULL,
    node_id               TEXT COLLATE "C" NOT NULL,
    activity_instance_id  TEXT COLLATE "C" NOT NULL,
    due_at                BIGINT,  -- cleared when its stimulus is queued
    wait_until            BIGINT,  -- as asked for
    payload               BYTEA,
    created_at            BIGINT NOT NULL
);
CREATE INDEX bookmarks_instance ON bookmarks (instance_no);
CREATE INDEX bookmarks_hash ON bookmarks (hash);
CREATE INDEX bookmarks_key ON bookmarks (name, key) WHERE key IS NOT NULL;
CREATE INDEX bookmarks_due ON bookmarks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE stimuli (
    no           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    instance_no  BIGINT NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    bookmark_id  TEXT COLLATE "C" NOT NULL,
    input        BYTEA
);
CREATE INDEX stimuli_instance ON stimuli (instance_no);

-- Belong to a lineage (a run and its replays): deleted with the last run of it.
CREATE TABLE effects (
    key            TEXT COLLATE "C" PRIMARY KEY,
    lineage        TEXT COLLATE "C" NOT NULL,
    instance_id    TEXT COLLATE "C" NOT NULL,
    activity_id    TEXT COLLATE "C" NOT NULL,
    node_id        TEXT COLLATE "C" NOT NULL,
    iteration      INTEGER NOT NULL,
    operation      TEXT COLLATE "C" NOT NULL,
    class          INTEGER NOT NULL,
    connection_id  TEXT COLLATE "C",
    location_id    TEXT COLLATE "C",
    request        BYTEA NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    response       BYTEA,
    error          TEXT COLLATE "C",
    intent_at      BIGINT NOT NULL,
    outcome_at     BIGINT,
    attempts       INTEGER NOT NULL
);
CREATE INDEX effects_instance ON effects (instance_id);
CREATE INDEX effects_lineage ON effects (lineage);

CREATE TABLE incidents (
    id             TEXT COLLATE "C" PRIMARY KEY,
    kind           TEXT COLLATE "C" NOT NULL,
    instance_id    TEXT COLLATE "C",
    definition_id  TEXT COLLATE "C",
    activity_id    TEXT COLLATE "C",
    activity_type  TEXT COLLATE "C",
    source_id      TEXT COLLATE "C",
    effect_key     TEXT COLLATE "C",
    location_id    TEXT COLLATE "C",
    code           TEXT COLLATE "C" NOT NULL,
    message        TEXT COLLATE "C" NOT NULL,
    detail         TEXT COLLATE "C",
    action         TEXT COLLATE "C",
    created_at     BIGINT NOT NULL,
    resolved_at    BIGINT,
    resolution     TEXT COLLATE "C"
);
CREATE INDEX incidents_created ON incidents (created_at);
CREATE INDEX incidents_open ON incidents (created_at) WHERE resolved_at IS NULL;
CREATE INDEX incidents_instance ON incidents (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX incidents_source ON incidents (source_id) WHERE source_id IS NOT NULL;
