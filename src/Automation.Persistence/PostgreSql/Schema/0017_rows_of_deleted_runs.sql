-- Whoever deletes runs, a server of an older version too, takes along what is theirs: once a statement, where a foreign key would look at every row that is added.
CREATE FUNCTION delete_rows_of_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM instance_states WHERE instance_no IN (SELECT no FROM gone);
    DELETE FROM subjects WHERE instance_no IN (SELECT no FROM gone);
    DELETE FROM journal_segments WHERE instance_no IN (SELECT no FROM gone);
    DELETE FROM payloads WHERE instance_no IN (SELECT no FROM gone);
    DELETE FROM bookmarks WHERE instance_no IN (SELECT no FROM gone);
    DELETE FROM stimuli WHERE instance_no IN (SELECT no FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER instances_delete_rows AFTER DELETE ON instances REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION delete_rows_of_runs();
