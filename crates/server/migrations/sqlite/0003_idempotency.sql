-- Calls that came with an `Idempotency-Key`. Times are the database's own clock. No key of another table leads here:
-- a row lives for a day, whatever becomes of its tenant.

CREATE TABLE idempotency_keys (
    organization_id TEXT NOT NULL,
    key_hash        BLOB NOT NULL,
    id              TEXT NOT NULL,
    request         BLOB NOT NULL,
    status          INTEGER,
    answer          BLOB,
    held_until      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, key_hash)
) STRICT;
CREATE UNIQUE INDEX idempotency_keys_by_id ON idempotency_keys (id);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
