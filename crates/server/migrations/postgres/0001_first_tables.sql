-- Times are epoch milliseconds, ids UUIDs, flags 0 or 1. The same tables stand in ../sqlite.
-- Text is compared byte for byte, as SQLite does.
-- Keys that name a row of another table carry the organization, so that no row can belong to two tenants.

CREATE TABLE vault_keys (
    id         TEXT COLLATE "C" PRIMARY KEY,
    wrapped    BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    is_first   BIGINT UNIQUE
);

CREATE TABLE organizations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE credentials (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    client_id       TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash     BYTEA NOT NULL,
    created_at      BIGINT NOT NULL,
    removed_at      BIGINT
);
CREATE INDEX credentials_by_organization ON credentials (organization_id, created_at, id);

CREATE TABLE redirect_urls (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    position        BIGINT NOT NULL,
    url             TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, position)
);

CREATE TABLE workspaces (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    name            TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    cache_enabled   BIGINT NOT NULL,
    region_id       TEXT COLLATE "C",
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    deleted_at      BIGINT,
    UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX workspaces_by_name ON workspaces (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX workspaces_by_age ON workspaces (organization_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE oauth_apps (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    connector_type  TEXT COLLATE "C" NOT NULL,
    definition_id   TEXT COLLATE "C" NOT NULL,
    client_id       TEXT COLLATE "C" NOT NULL,
    sealed          BYTEA NOT NULL,
    version         BIGINT NOT NULL,
    pin             TEXT COLLATE "C" NOT NULL,
    callback        TEXT COLLATE "C" NOT NULL,
    current         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, connector_type, client_id)
);
CREATE UNIQUE INDEX oauth_apps_current ON oauth_apps (organization_id, connector_type) WHERE current = 1;

CREATE TABLE grants (
    id               TEXT COLLATE "C" PRIMARY KEY,
    organization_id  TEXT COLLATE "C" NOT NULL,
    workspace_id     TEXT COLLATE "C" NOT NULL,
    connector_type   TEXT COLLATE "C" NOT NULL,
    oauth_app_id     TEXT COLLATE "C",
    scheme           TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    status           TEXT COLLATE "C" NOT NULL,
    status_reason    TEXT COLLATE "C",
    sealed           BYTEA NOT NULL,
    version          BIGINT NOT NULL,
    expires_at       BIGINT,
    issued_at        BIGINT,
    refreshable      BIGINT NOT NULL,
    scopes           TEXT COLLATE "C",
    account_id       TEXT COLLATE "C",
    account_name     TEXT COLLATE "C",
    pin              TEXT COLLATE "C" NOT NULL,
    attempt          TEXT COLLATE "C",
    attempt_deadline BIGINT,
    unknown_sends    BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, oauth_app_id) REFERENCES oauth_apps (organization_id, id)
);
CREATE INDEX grants_by_workspace ON grants (organization_id, workspace_id);

CREATE TABLE flows (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    organization_id    TEXT COLLATE "C" NOT NULL,
    workspace_id       TEXT COLLATE "C" NOT NULL,
    connector_type     TEXT COLLATE "C" NOT NULL,
    definition_id      TEXT COLLATE "C" NOT NULL,
    callback           TEXT COLLATE "C" NOT NULL,
    status             TEXT COLLATE "C" NOT NULL,
    state_hash         BYTEA NOT NULL UNIQUE,
    redirect_url       TEXT COLLATE "C" NOT NULL,
    callback_mode      TEXT COLLATE "C" NOT NULL,
    sealed             BYTEA NOT NULL,
    oauth_app_id       TEXT COLLATE "C",
    client_id          TEXT COLLATE "C" NOT NULL,
    environment        TEXT COLLATE "C" NOT NULL,
    scopes             TEXT COLLATE "C" NOT NULL,
    code_challenge     TEXT COLLATE "C",
    connector_id       TEXT COLLATE "C",
    name               TEXT COLLATE "C",
    replication_config TEXT COLLATE "C",
    secret_hash        BYTEA,
    secret_expires_at  BIGINT,
    grant_id           TEXT COLLATE "C",
    failure            TEXT COLLATE "C",
    expires_at         BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, oauth_app_id) REFERENCES oauth_apps (organization_id, id),
    FOREIGN KEY (organization_id, grant_id) REFERENCES grants (organization_id, id)
);
CREATE UNIQUE INDEX flows_by_secret ON flows (organization_id, secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX flows_by_workspace ON flows (organization_id, workspace_id);
CREATE INDEX flows_pending ON flows (expires_at) WHERE status = 'pending';
CREATE INDEX flows_exchanging ON flows (updated_at) WHERE status = 'exchanging';
CREATE INDEX flows_granted ON flows (secret_expires_at) WHERE status = 'granted';
CREATE INDEX flows_over ON flows (updated_at) WHERE status IN ('consumed', 'failed', 'expired');

CREATE TABLE connectors (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    organization_id    TEXT COLLATE "C" NOT NULL,
    workspace_id       TEXT COLLATE "C" NOT NULL,
    connector_type     TEXT COLLATE "C" NOT NULL,
    definition_id      TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    grant_id           TEXT COLLATE "C" NOT NULL,
    auth_scheme        TEXT COLLATE "C" NOT NULL,
    environment        TEXT COLLATE "C" NOT NULL,
    replication_config TEXT COLLATE "C",
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    deleted_at         BIGINT,
    FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
    FOREIGN KEY (organization_id, grant_id) REFERENCES grants (organization_id, id)
);
CREATE INDEX connectors_by_age ON connectors (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX connectors_by_workspace ON connectors (organization_id, workspace_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX connectors_by_grant ON connectors (organization_id, grant_id);

CREATE TABLE jobs (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    kind            TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    report          TEXT COLLATE "C" NOT NULL,
    attempts        BIGINT NOT NULL,
    run_at          BIGINT NOT NULL,
    lease_until     BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE status IN ('pending', 'running');

-- Numbers are never used twice, also when the newest entry is removed.
CREATE TABLE changes (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            TEXT COLLATE "C" NOT NULL,
    key             TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX changes_by_age ON changes (at);
