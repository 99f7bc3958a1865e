-- Texts that people save under a name: templates, field maps.
CREATE TABLE documents (
    kind        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE nocase NOT NULL,
    json        TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Names are looked up at every save of a new workflow.
CREATE INDEX definition_versions_name ON definition_versions (name) WHERE is_latest = 1;
