-- What polls found although webhooks come for the source, and none told of it; and when what webhooks told of was read last.
ALTER TABLE sources ADD COLUMN hinted_at INTEGER;
ALTER TABLE sources ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN missed_at INTEGER;
CREATE INDEX webhooks_item ON webhooks (connection_id, item_id, received_at);
