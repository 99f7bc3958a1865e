-- A search by text looks only at the runs that have a text of the kind: nothing is written for the others.
CREATE INDEX instances_error ON instances (created_at) WHERE error IS NOT NULL;
CREATE INDEX instances_name ON instances (name) WHERE name IS NOT NULL;
