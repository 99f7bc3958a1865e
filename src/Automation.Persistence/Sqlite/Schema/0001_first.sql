-- Times are UTC ticks, durations are ticks. Payload columns hold what Encoding/Payload writes (one tag byte, then raw or Brotli).
-- Rows that others point to have a number of their own (no): narrow keys, and new rows go to the end of their indexes.

CREATE TABLE definition_versions (
    id             TEXT PRIMARY KEY,
    definition_id  TEXT NOT NULL,
    version        INTEGER NOT NULL,
    name           TEXT,
    description    TEXT,
    is_latest      INTEGER NOT NULL,
    is_published   INTEGER NOT NULL,
    is_readonly    INTEGER NOT NULL,
    is_system      INTEGER NOT NULL,
    provider       TEXT NOT NULL,
    tool_version   TEXT,
    created_at     INTEGER NOT NULL,
    json           TEXT NOT NULL,
    UNIQUE (definition_id, version)
);
CREATE UNIQUE INDEX definition_versions_latest ON definition_versions (definition_id) WHERE is_latest = 1;
CREATE UNIQUE INDEX definition_versions_published ON definition_versions (definition_id) WHERE is_published = 1;

CREATE TABLE connections (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE COLLATE NOCASE,
    connector    TEXT NOT NULL,
    base_url     TEXT NOT NULL,
    location_id  TEXT,
    company_id   TEXT,
    auth_kind    TEXT NOT NULL,
    secret       BLOB NOT NULL,
    is_sandbox   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
);

CREATE TABLE users (
    name           TEXT PRIMARY KEY COLLATE NOCASE,
    password_hash  TEXT NOT NULL,
    role           TEXT NOT NULL,
    created_at     INTEGER NOT NULL
);

CREATE TABLE api_keys (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    hash        TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    created_at  INTEGER NOT NULL
);

CREATE TABLE settings (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
);

CREATE TABLE sources (
    no               INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    connection_id    TEXT NOT NULL,
    location_id      TEXT,
    operation        TEXT NOT NULL,
    inputs           TEXT NOT NULL,
    interval         INTEGER NOT NULL,
    is_active        INTEGER NOT NULL DEFAULT 0,  -- has a trigger that is not paused
    baselined_at     INTEGER,
    watermark        INTEGER,
    scan_upper       INTEGER,
    page_token       TEXT,
    scan_pages       INTEGER NOT NULL DEFAULT 0,
    scan_started_at  INTEGER,
    ledger_end       INTEGER NOT NULL DEFAULT 0,
    due_at           INTEGER,
    last_poll_at     INTEGER,
    last_success_at  INTEGER,
    last_error       TEXT,
    failures         INTEGER NOT NULL DEFAULT 0,
    item_count       INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT,
    lease_token      INTEGER NOT NULL DEFAULT 0,
    lease_until      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sources_due ON sources (due_at) WHERE is_active = 1;
CREATE INDEX sources_connection ON sources (connection_id);

CREATE TABLE items (
    no             INTEGER PRIMARY KEY,
    source_no      INTEGER NOT NULL REFERENCES sources (no) ON DELETE CASCADE,
    item_id        TEXT NOT NULL,
    hash           TEXT NOT NULL,
    updated_at     INTEGER,
    revision       INTEGER NOT NULL,
    seen_at        INTEGER NOT NULL,
    from_baseline  INTEGER NOT NULL,
    payload        BLOB NOT NULL,
    UNIQUE (source_no, item_id)
);

CREATE TABLE item_subjects (
    source_no  INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    item_no    INTEGER NOT NULL REFERENCES items (no) ON DELETE CASCADE,
    PRIMARY KEY (source_no, subject, item_no)
) WITHOUT ROWID;

CREATE TABLE events (
    no           INTEGER PRIMARY KEY,
    source_no    INTEGER NOT NULL REFERENCES sources (no) ON DELETE CASCADE,
    location_id  TEXT,
    sequence     INTEGER NOT NULL,
    item_id      TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    observed_at  INTEGER NOT NULL,
    item         BLOB NOT NULL,
    previous     BLOB,
    subjects     TEXT,
    UNIQUE (source_no, sequence)
);

CREATE TABLE triggers (
    id                  TEXT PRIMARY KEY,
    definition_id       TEXT NOT NULL,
    version_id          TEXT NOT NULL,
    activity_id         TEXT NOT NULL,
    activity_type       TEXT NOT NULL,
    kind                TEXT NOT NULL,
    location_id         TEXT,
    connection_id       TEXT,
    source_id           TEXT,
    hash                TEXT,
    mode                TEXT NOT NULL,
    configured          TEXT,
    time_zone           TEXT,
    effective_interval  INTEGER,
    settings            TEXT NOT NULL,
    position            INTEGER NOT NULL,
    generation          INTEGER NOT NULL,
    is_paused           INTEGER NOT NULL,
    due_at              INTEGER,
    created_at          INTEGER NOT NULL,
    last_fired_at       INTEGER
);
CREATE INDEX triggers_definition ON triggers (definition_id);
CREATE INDEX triggers_source ON triggers (source_id, is_paused) WHERE source_id IS NOT NULL;
CREATE INDEX triggers_hash ON triggers (hash) WHERE hash IS NOT NULL;
CREATE INDEX triggers_due ON triggers (due_at) WHERE is_paused = 0 AND due_at IS NOT NULL;

-- What was delivered stays when its run is deleted: it must not be delivered again.
CREATE TABLE deliveries (
    trigger_id   TEXT NOT NULL,
    event_key    TEXT NOT NULL,
    generation   INTEGER NOT NULL,
    instance_id  TEXT,
    reason       TEXT,
    at           INTEGER NOT NULL,
    PRIMARY KEY (trigger_id, event_key, generation)
) WITHOUT ROWID;
CREATE INDEX deliveries_at ON deliveries (trigger_id, at);

CREATE TABLE instances (
    no                  INTEGER PRIMARY KEY,
    id                  TEXT NOT NULL UNIQUE,
    definition_id       TEXT NOT NULL,
    version_id          TEXT NOT NULL,
    version             INTEGER NOT NULL,
    definition_name     TEXT,
    status              INTEGER NOT NULL,
    sub_status          INTEGER NOT NULL,
    correlation_id      TEXT,
    name                TEXT,
    location_id         TEXT,
    parent_instance_id  TEXT,
    parent_bookmark_id  TEXT,
    lineage             TEXT NOT NULL,
    trigger_id          TEXT,
    started_by          TEXT NOT NULL,
    is_sandbox          INTEGER NOT NULL,
    incident_count      INTEGER NOT NULL DEFAULT 0,
    error               TEXT,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    started_at          INTEGER,
    finished_at         INTEGER,
    runnable            INTEGER NOT NULL,  -- pending, with stimuli, or leased: to be claimed once lease_until has passed
    attempts            INTEGER NOT NULL DEFAULT 0,
    lease_owner         TEXT,
    lease_token         INTEGER NOT NULL DEFAULT 0,
    lease_until         INTEGER NOT NULL DEFAULT 0
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
    instance_no  INTEGER PRIMARY KEY REFERENCES instances (no) ON DELETE CASCADE,
    start        BLOB NOT NULL,
    state        BLOB
);

CREATE TABLE subjects (
    subject      TEXT NOT NULL,
    instance_no  INTEGER NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    PRIMARY KEY (subject, instance_no)
) WITHOUT ROWID;
CREATE INDEX subjects_instance ON subjects (instance_no);

CREATE TABLE journal_segments (
    no           INTEGER PRIMARY KEY,
    instance_no  INTEGER NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    data         BLOB NOT NULL
);
CREATE INDEX journal_segments_instance ON journal_segments (instance_no);

-- Journal values over 64 KB.
CREATE TABLE payloads (
    id           TEXT PRIMARY KEY,
    instance_no  INTEGER NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    data         BLOB NOT NULL
);
CREATE INDEX payloads_instance ON payloads (instance_no);

CREATE TABLE bookmarks (
    id                    TEXT PRIMARY KEY,
    instance_no           INTEGER NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    name                  TEXT NOT NULL,
    key                   TEXT,
    hash                  TEXT NOT NULL,
    tag                   TEXT,
    activity_id           TEXT NOT NULL,
    node_id               TEXT NOT NULL,
    activity_instance_id  TEXT NOT NULL,
    due_at                INTEGER,  -- cleared when its stimulus is queued
    wait_until            INTEGER,  -- as asked for
    payload               BLOB,
    created_at            INTEGER NOT NULL
);
CREATE INDEX bookmarks_instance ON bookmarks (instance_no);
CREATE INDEX bookmarks_hash ON bookmarks (hash);
CREATE INDEX bookmarks_key ON bookmarks (name, key) WHERE key IS NOT NULL;
CREATE INDEX bookmarks_due ON bookmarks (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE stimuli (
    no           INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    instance_no  INTEGER NOT NULL REFERENCES instances (no) ON DELETE CASCADE,
    bookmark_id  TEXT NOT NULL,
    input        BLOB
);
CREATE INDEX stimuli_instance ON stimuli (instance_no);

-- Belong to a lineage (a run and its replays): deleted with the last run of it.
CREATE TABLE effects (
    key            TEXT PRIMARY KEY,
    lineage        TEXT NOT NULL,
    instance_id    TEXT NOT NULL,
    activity_id    TEXT NOT NULL,
    node_id        TEXT NOT NULL,
    iteration      INTEGER NOT NULL,
    operation      TEXT NOT NULL,
    class          INTEGER NOT NULL,
    connection_id  TEXT,
    location_id    TEXT,
    request        BLOB NOT NULL,
    status         TEXT NOT NULL,
    response       BLOB,
    error          TEXT,
    intent_at      INTEGER NOT NULL,
    outcome_at     INTEGER,
    attempts       INTEGER NOT NULL
);
CREATE INDEX effects_instance ON effects (instance_id);
CREATE INDEX effects_lineage ON effects (lineage);

CREATE TABLE incidents (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL,
    instance_id    TEXT,
    definition_id  TEXT,
    activity_id    TEXT,
    activity_type  TEXT,
    source_id      TEXT,
    effect_key     TEXT,
    location_id    TEXT,
    code           TEXT NOT NULL,
    message        TEXT NOT NULL,
    detail         TEXT,
    action         TEXT,
    created_at     INTEGER NOT NULL,
    resolved_at    INTEGER,
    resolution     TEXT
);
CREATE INDEX incidents_created ON incidents (created_at);
CREATE INDEX incidents_open ON incidents (created_at) WHERE resolved_at IS NULL;
CREATE INDEX incidents_instance ON incidents (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX incidents_source ON incidents (source_id) WHERE source_id IS NOT NULL;
