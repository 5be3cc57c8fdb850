-- The audit log: entries come unchained, in the transaction of what they tell; one chainer at a time links them.
-- No foreign keys: the log outlives what it tells about.

CREATE TABLE audit_entries (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    at              INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    credential_id   TEXT,
    workspace_id    TEXT,
    connector_id    TEXT,
    subject         TEXT,
    operation       TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    intent          TEXT,
    request_id      TEXT,
    seq             INTEGER,
    prev_hash       TEXT,
    hash            TEXT,
    UNIQUE (organization_id, seq)
) STRICT;
CREATE INDEX audit_by_age ON audit_entries (organization_id, at, id);
CREATE INDEX audit_by_connector ON audit_entries (organization_id, connector_id, at, id) WHERE connector_id IS NOT NULL;
CREATE INDEX audit_unchained ON audit_entries (organization_id, at, id) WHERE seq IS NULL;

CREATE TABLE audit_heads (
    organization_id TEXT PRIMARY KEY,
    seq             INTEGER NOT NULL,
    hash            TEXT NOT NULL,
    mac             TEXT NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_keys (
    id         TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The caller's own name for an imported connector: the same line twice makes one connector.
ALTER TABLE connectors ADD COLUMN import_key TEXT;
CREATE UNIQUE INDEX connectors_by_import_key ON connectors (organization_id, import_key)
    WHERE import_key IS NOT NULL AND deleted_at IS NULL;
