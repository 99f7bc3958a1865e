-- Where the delivery of what was there before stands (JSON); compared as text, so that of two who move it on one wins.
ALTER TABLE triggers ADD COLUMN backfill TEXT COLLATE "C";
CREATE INDEX triggers_backfill ON triggers (id) WHERE backfill IS NOT NULL;
