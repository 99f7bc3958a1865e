-- A search by text looks only at the runs that have a text of the kind: nothing is written for the others.
CREATE INDEX instances_error ON instances (created_at) WHERE error IS NOT NULL;
-- (A name may be longer than an index of PostgreSQL bears.)
CREATE INDEX instances_name ON instances (created_at) WHERE name IS NOT NULL;
