-- Tasks for people. A task is made in the transaction that stores its bookmark; request is the bookmark's payload.
CREATE TABLE tasks (
    id               TEXT COLLATE "C" PRIMARY KEY,
    bookmark_id      TEXT COLLATE "C" NOT NULL,
    instance_id      TEXT COLLATE "C" NOT NULL,
    definition_id    TEXT COLLATE "C" NOT NULL,
    definition_name  TEXT COLLATE "C",
    activity_id      TEXT COLLATE "C" NOT NULL,
    location_id      TEXT COLLATE "C",
    is_sandbox       INTEGER NOT NULL,
    assignee         TEXT COLLATE nocase,
    due_at           BIGINT,
    request          BYTEA NOT NULL,
    status           TEXT COLLATE "C" NOT NULL,
    outcome          TEXT COLLATE "C",
    answers          BYTEA,
    comment          TEXT COLLATE "C",
    created_at       BIGINT NOT NULL,
    finished_at      BIGINT,
    finished_by      TEXT COLLATE "C"
);
CREATE INDEX tasks_open ON tasks (due_at) WHERE status = 'open';
CREATE INDEX tasks_bookmark ON tasks (bookmark_id) WHERE status = 'open';
CREATE INDEX tasks_assignee ON tasks (assignee, status);
CREATE INDEX tasks_created ON tasks (created_at);
CREATE INDEX tasks_instance ON tasks (instance_id);

-- A bookmark goes in many ways: resumed, cancelled with its branch, ended with its run. However it goes, nobody waits for its task any more.
CREATE FUNCTION end_task_of_bookmark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET status = 'cancelled', finished_at = (EXTRACT(EPOCH FROM clock_timestamp()) * 10000000)::bigint + 621355968000000000
    WHERE bookmark_id = OLD.id AND status = 'open';
    RETURN NULL;
END $$;
CREATE TRIGGER bookmarks_end_tasks AFTER DELETE ON bookmarks FOR EACH ROW WHEN (OLD.name = 'Automation.Task') EXECUTE FUNCTION end_task_of_bookmark();
