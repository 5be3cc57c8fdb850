-- Times are epoch milliseconds, ids UUIDs, flags 0 or 1. The same tables stand in ../postgres.
-- Keys that name a row of another table carry the organization, so that no row can belong to two tenants.

CREATE TABLE vault_keys (
    id         TEXT PRIMARY KEY,
    wrapped    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    is_first   INTEGER UNIQUE
) STRICT;

CREATE TABLE organizations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    client_id       TEXT NOT NULL UNIQUE,
    secret_hash     BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    removed_at      INTEGER
) STRICT;
CREATE INDEX credentials_by_organization ON credentials (organization_id, created_at, id);

CREATE TABLE redirect_urls (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    position        INTEGER NOT NULL,
    url             TEXT NOT NULL,
    PRIMARY KEY (organization_id, position)
) STRICT;

CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name            TEXT NOT NULL,
    status          TEXT NOT NULL,
    cache_enabled   INTEGER NOT NULL,
    region_id       TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    UNIQUE (organization_id, id)
) STRICT;
CREATE UNIQUE INDEX workspaces_by_name ON workspaces (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_by_age ON workspaces (organization_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE oauth_apps (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connector_type  TEXT NOT NULL,
    definition_id   TEXT NOT NULL,
    client_id       TEXT NOT NULL,
    sealed          BLOB NOT NULL,
    version         INTEGER NOT NULL,
    pin             TEXT NOT NULL,
    callback        TEXT NOT NULL,
    current         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, connector_type, client_id)
) STRICT;
CREATE UNIQUE INDEX oauth_apps_current ON oauth_apps (organization_id, connector_type) WHERE current = 1;

CREATE TABLE grants (
    id               TEXT PRIMARY KEY,
    organization_id  TEXT NOT NULL,
    workspace_id     TEXT NOT NULL,
    connector_type   TEXT NOT NULL,
    oauth_app_id     TEXT,
    scheme           TEXT NOT NULL,
    kind             TEXT NOT NULL,
    status           TEXT NOT NULL,
    status_reason    TEXT,
    sealed           BLOB NOT NULL,
    version          INTEGER NOT NULL,
    expires_at       INTEGER,
    issued_at        INTEGER,
    refreshable      INTEGER NOT NULL,
    scopes           TEXT,
    account_id       TEXT,
    account_name     TEXT,
    pin              TEXT NOT NULL,
    attempt          TEXT,
    attempt_deadline INTEGER,
    unknown_sends    INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, oauth_app_id) REFERENCES oauth_apps (organization_id, id)
) STRICT;
CREATE INDEX grants_by_workspace ON grants (organization_id, workspace_id);

CREATE TABLE flows (
    id                 TEXT PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    workspace_id       TEXT NOT NULL,
    connector_type     TEXT NOT NULL,
    definition_id      TEXT NOT NULL,
    callback           TEXT NOT NULL,
    status             TEXT NOT NULL,
    state_hash         BLOB NOT NULL UNIQUE,
    redirect_url       TEXT NOT NULL,
    callback_mode      TEXT NOT NULL,
    sealed             BLOB NOT NULL,
    oauth_app_id       TEXT,
    client_id          TEXT NOT NULL,
    environment        TEXT NOT NULL,
    scopes             TEXT NOT NULL,
    code_challenge     TEXT,
    connector_id       TEXT,
    name               TEXT,
    replication_config TEXT,
    secret_hash        BLOB,
    secret_expires_at  INTEGER,
    grant_id           TEXT,
    failure            TEXT,
    expires_at         INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, oauth_app_id) REFERENCES oauth_apps (organization_id, id),
    FOREIGN KEY (organization_id, grant_id) REFERENCES grants (organization_id, id)
) STRICT;
CREATE UNIQUE INDEX flows_by_secret ON flows (organization_id, secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX flows_by_workspace ON flows (organization_id, workspace_id);
CREATE INDEX flows_pending ON flows (expires_at) WHERE status = 'pending';
CREATE INDEX flows_exchanging ON flows (updated_at) WHERE status = 'exchanging';
CREATE INDEX flows_granted ON flows (secret_expires_at) WHERE status = 'granted';
CREATE INDEX flows_over ON flows (updated_at) WHERE status IN ('consumed', 'failed', 'expired');

CREATE TABLE connectors (
    id                 TEXT PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    workspace_id       TEXT NOT NULL,
    connector_type     TEXT NOT NULL,
    definition_id      TEXT NOT NULL,
    name               TEXT NOT NULL,
    grant_id           TEXT NOT NULL,
    auth_scheme        TEXT NOT NULL,
    environment        TEXT NOT NULL,
    replication_config TEXT,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    deleted_at         INTEGER,
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, grant_id) REFERENCES grants (organization_id, id)
) STRICT;
CREATE INDEX connectors_by_age ON connectors (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX connectors_by_workspace ON connectors (organization_id, workspace_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX connectors_by_grant ON connectors (organization_id, grant_id);

CREATE TABLE jobs (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    kind            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    status          TEXT NOT NULL,
    report          TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    run_at          INTEGER NOT NULL,
    lease_until     INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE status IN ('pending', 'running');

-- Numbers are never used twice, also when the newest entry is removed.
CREATE TABLE changes (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT NOT NULL,
    key             TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    at              INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_by_age ON changes (at);
