-- Public key by which webhooks to a connection are judged.
ALTER TABLE connections ADD COLUMN webhook_key TEXT COLLATE "C";

-- What came in: each once.
CREATE TABLE webhooks (
    no             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id  TEXT COLLATE "C" NOT NULL,
    webhook_id     TEXT COLLATE "C" NOT NULL,
    type           TEXT COLLATE "C" NOT NULL,
    location_id    TEXT COLLATE "C",
    item_id        TEXT COLLATE "C",
    sent_at        BIGINT,
    received_at    BIGINT NOT NULL,
    outcome        TEXT COLLATE "C" NOT NULL,
    body           BYTEA NOT NULL,
    UNIQUE (connection_id, webhook_id)
);
CREATE INDEX webhooks_received ON webhooks (received_at);

-- Items that are to be read, since a webhook told of them: one row per item, however many came.
CREATE TABLE hints (
    source_id  TEXT COLLATE "C" NOT NULL,
    item_id    TEXT COLLATE "C" NOT NULL,
    entity     TEXT COLLATE "C" NOT NULL,
    sent_at    BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     BIGINT NOT NULL,
    PRIMARY KEY (source_id, item_id)
);
CREATE INDEX hints_due ON hints (due_at);

-- Secret addresses of flows. They stay when a flow is retracted and published again.
CREATE TABLE hooks (
    trigger_id  TEXT COLLATE "C" PRIMARY KEY,
    hash        TEXT COLLATE "C" NOT NULL UNIQUE,
    secret      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);
