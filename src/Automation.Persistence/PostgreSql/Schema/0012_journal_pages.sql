-- The number of a segment's first record: a page of a long journal reads the segments that it needs. Segments written before have none, and are gone through.
ALTER TABLE journal_segments ADD COLUMN first_record BIGINT;
DROP INDEX journal_segments_instance;
CREATE INDEX journal_segments_instance ON journal_segments (instance_no, first_record);
