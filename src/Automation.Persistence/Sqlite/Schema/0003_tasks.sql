-- Tasks for people. A task is made in the transaction that stores its bookmark; request is the bookmark's payload.
CREATE TABLE tasks (
    id               TEXT PRIMARY KEY,
    bookmark_id      TEXT NOT NULL,
    instance_id      TEXT NOT NULL,
    definition_id    TEXT NOT NULL,
    definition_name  TEXT,
    activity_id      TEXT NOT NULL,
    location_id      TEXT,
    is_sandbox       INTEGER NOT NULL,
    assignee         TEXT COLLATE NOCASE,
    due_at           INTEGER,
    request          BLOB NOT NULL,
    status           TEXT NOT NULL,
    outcome          TEXT,
    answers          BLOB,
    comment          TEXT,
    created_at       INTEGER NOT NULL,
    finished_at      INTEGER,
    finished_by      TEXT
);
CREATE INDEX tasks_open ON tasks (due_at) WHERE status = 'open';
CREATE INDEX tasks_bookmark ON tasks (bookmark_id) WHERE status = 'open';
CREATE INDEX tasks_assignee ON tasks (assignee, status);
CREATE INDEX tasks_created ON tasks (created_at);
CREATE INDEX tasks_instance ON tasks (instance_id);

-- A bookmark goes in many ways: resumed, cancelled with its branch, ended with its run. However it goes, nobody waits for its task any more.
CREATE TRIGGER bookmarks_end_tasks AFTER DELETE ON bookmarks WHEN OLD.name = 'Automation.Task'
BEGIN
    UPDATE tasks SET status = 'cancelled', finished_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 10000 + 621355968000000000
    WHERE bookmark_id = OLD.id AND status = 'open';
END;
