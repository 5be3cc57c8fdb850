-- The audit log: entries come unchained, in the transaction of what they tell; one chainer at a time links them.
-- No foreign keys: the log outlives what it tells about.

CREATE TABLE audit_entries (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    at              BIGINT NOT NULL,
    actor           TEXT COLLATE "C" NOT NULL,
    credential_id   TEXT COLLATE "C",
    workspace_id    TEXT COLLATE "C",
    connector_id    TEXT COLLATE "C",
    subject         TEXT COLLATE "C",
    operation       TEXT COLLATE "C" NOT NULL,
    outcome         TEXT COLLATE "C" NOT NULL,
    intent          TEXT COLLATE "C",
    request_id      TEXT COLLATE "C",
    seq             BIGINT,
    prev_hash       TEXT COLLATE "C",
    hash            TEXT COLLATE "C",
    UNIQUE (organization_id, seq)
);
CREATE INDEX audit_by_age ON audit_entries (organization_id, at, id);
CREATE INDEX audit_by_connector ON audit_entries (organization_id, connector_id, at, id) WHERE connector_id IS NOT NULL;
CREATE INDEX audit_unchained ON audit_entries (organization_id, at, id) WHERE seq IS NULL;

CREATE TABLE audit_heads (
    organization_id TEXT COLLATE "C" PRIMARY KEY,
    seq             BIGINT NOT NULL,
    hash            TEXT COLLATE "C" NOT NULL,
    mac             TEXT COLLATE "C" NOT NULL,
    updated_at      BIGINT NOT NULL
);

CREATE TABLE audit_keys (
    id         TEXT COLLATE "C" PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- The caller's own name for an imported connector: the same line twice makes one connector.
ALTER TABLE connectors ADD COLUMN import_key TEXT COLLATE "C";
CREATE UNIQUE INDEX connectors_by_import_key ON connectors (organization_id, import_key)
    WHERE import_key IS NOT NULL AND deleted_at IS NULL;
