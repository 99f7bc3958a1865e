-- A foreign key costs a query and a lock for every row of a run. Rows are added to a run only by who holds its row, and it is deleted with all that is its (a store test looks for orphans).
ALTER TABLE instance_states DROP CONSTRAINT instance_states_instance_no_fkey;
ALTER TABLE subjects DROP CONSTRAINT subjects_instance_no_fkey;
ALTER TABLE journal_segments DROP CONSTRAINT journal_segments_instance_no_fkey;
ALTER TABLE payloads DROP CONSTRAINT payloads_instance_no_fkey;
ALTER TABLE bookmarks DROP CONSTRAINT bookmarks_instance_no_fkey;
ALTER TABLE stimuli DROP CONSTRAINT stimuli_instance_no_fkey;

-- Blobs come packed: what is too long for its row is not worth packing again.
ALTER TABLE instance_states ALTER start SET STORAGE EXTERNAL, ALTER state SET STORAGE EXTERNAL;
ALTER TABLE journal_segments ALTER data SET STORAGE EXTERNAL;
ALTER TABLE payloads ALTER data SET STORAGE EXTERNAL;
ALTER TABLE bookmarks ALTER payload SET STORAGE EXTERNAL;
ALTER TABLE stimuli ALTER input SET STORAGE EXTERNAL;
ALTER TABLE effects ALTER request SET STORAGE EXTERNAL, ALTER response SET STORAGE EXTERNAL;
ALTER TABLE items ALTER payload SET STORAGE EXTERNAL;
ALTER TABLE events ALTER item SET STORAGE EXTERNAL, ALTER previous SET STORAGE EXTERNAL;
ALTER TABLE webhooks ALTER body SET STORAGE EXTERNAL;
