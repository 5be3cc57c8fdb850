-- Calls that came with an `Idempotency-Key`. Times are the database's own clock. No key of another table leads here:
-- a row lives for a day, whatever becomes of its tenant.

CREATE TABLE idempotency_keys (
    organization_id TEXT COLLATE "C" NOT NULL,
    key_hash        BYTEA NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    request         BYTEA NOT NULL,
    status          BIGINT,
    answer          BYTEA,
    held_until      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, key_hash)
);
CREATE UNIQUE INDEX idempotency_keys_by_id ON idempotency_keys (id);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
