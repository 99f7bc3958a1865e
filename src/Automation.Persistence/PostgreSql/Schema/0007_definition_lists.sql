-- Workflows that others use as activities are looked for at every save of the designer.
ALTER TABLE definition_versions ADD COLUMN offers_activity INTEGER NOT NULL DEFAULT 0;
UPDATE definition_versions SET offers_activity = 1 WHERE strpos(json, '"usableAsActivity":true') > 0;
CREATE INDEX definition_versions_offers ON definition_versions (definition_id) WHERE is_published = 1 AND offers_activity = 1;

-- The orders in which lists are asked for, with the id: a page is found in its index, and only its rows are read.
CREATE INDEX definition_versions_current ON definition_versions (name COLLATE nocase, definition_id, version DESC, id) WHERE is_latest = 1 OR is_published = 1;
CREATE INDEX definition_versions_by_name ON definition_versions (name COLLATE nocase, definition_id, version DESC, id);
CREATE INDEX definition_versions_created ON definition_versions (created_at, definition_id, version DESC, id);
