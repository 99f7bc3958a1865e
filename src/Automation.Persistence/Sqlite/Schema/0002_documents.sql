-- Texts that people save under a name: templates, field maps.
CREATE TABLE documents (
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL COLLATE NOCASE,
    json        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

-- Names are looked up at every save of a new workflow.
CREATE INDEX definition_versions_name ON definition_versions (name) WHERE is_latest = 1;
