-- The kill switch: what one revocation ended, and how its provider calls go.

CREATE TABLE revocations (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    scope           TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C",
    status          TEXT COLLATE "C" NOT NULL,
    total           BIGINT NOT NULL,
    ended           BIGINT NOT NULL,
    flows           BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    finished_at     BIGINT
);
CREATE INDEX revocations_by_age ON revocations (organization_id, created_at, id);
CREATE INDEX revocations_open ON revocations (id) WHERE status = 'revoking';

ALTER TABLE grants ADD COLUMN revocation_id TEXT COLLATE "C";
CREATE INDEX grants_live ON grants (organization_id, id) WHERE status <> 'ended';

ALTER TABLE jobs ADD COLUMN revocation_id TEXT COLLATE "C";
ALTER TABLE jobs ADD COLUMN outcome TEXT COLLATE "C" NOT NULL DEFAULT 'pending';
CREATE INDEX jobs_by_revocation ON jobs (organization_id, revocation_id, created_at, id);
CREATE INDEX jobs_open ON jobs (revocation_id) WHERE status IN ('pending', 'running');
