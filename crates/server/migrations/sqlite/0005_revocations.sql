-- The kill switch: what one revocation ended, and how its provider calls go.

CREATE TABLE revocations (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    scope           TEXT NOT NULL,
    subject         TEXT,
    status          TEXT NOT NULL,
    total           INTEGER NOT NULL,
    ended           INTEGER NOT NULL,
    flows           INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    finished_at     INTEGER
) STRICT;
CREATE INDEX revocations_by_age ON revocations (organization_id, created_at, id);
CREATE INDEX revocations_open ON revocations (id) WHERE status = 'revoking';

ALTER TABLE grants ADD COLUMN revocation_id TEXT;
CREATE INDEX grants_live ON grants (organization_id, id) WHERE status <> 'ended';

ALTER TABLE jobs ADD COLUMN revocation_id TEXT;
ALTER TABLE jobs ADD COLUMN outcome TEXT NOT NULL DEFAULT 'pending';
CREATE INDEX jobs_by_revocation ON jobs (organization_id, revocation_id, created_at, id);
CREATE INDEX jobs_open ON jobs (revocation_id) WHERE status IN ('pending', 'running');
