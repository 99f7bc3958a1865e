-- The newest updated-at that the list has shown, and since when; before what nothing is looked for again.
ALTER TABLE sources ADD COLUMN newest BIGINT;
ALTER TABLE sources ADD COLUMN newest_at BIGINT;
ALTER TABLE sources ADD COLUMN floor BIGINT;

-- 1: the list came back empty once; 2: the list does not have it any more.
ALTER TABLE items ADD COLUMN absent BIGINT NOT NULL DEFAULT 0;
