-- Public key by which webhooks to a connection are judged.
ALTER TABLE connections ADD COLUMN webhook_key TEXT;

-- What came in: each once.
CREATE TABLE webhooks (
    no             INTEGER PRIMARY KEY,
    connection_id  TEXT NOT NULL,
    webhook_id     TEXT NOT NULL,
    type           TEXT NOT NULL,
    location_id    TEXT,
    item_id        TEXT,
    sent_at        INTEGER,
    received_at    INTEGER NOT NULL,
    outcome        TEXT NOT NULL,
    body           BLOB NOT NULL,
    UNIQUE (connection_id, webhook_id)
);
CREATE INDEX webhooks_received ON webhooks (received_at);

-- Items that are to be read, since a webhook told of them: one row per item, however many came.
CREATE TABLE hints (
    source_id  TEXT NOT NULL,
    item_id    TEXT NOT NULL,
    entity     TEXT NOT NULL,
    sent_at    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    PRIMARY KEY (source_id, item_id)
) WITHOUT ROWID;
CREATE INDEX hints_due ON hints (due_at);

-- Secret addresses of flows. They stay when a flow is retracted and published again.
CREATE TABLE hooks (
    trigger_id  TEXT PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    secret      BLOB NOT NULL,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;
