-- Where an organization's audit log begins once its oldest entries were pruned: the last one that is gone. Only adds.

CREATE TABLE audit_anchors (
    organization_id TEXT COLLATE "C" PRIMARY KEY,
    seq             BIGINT NOT NULL,
    hash            TEXT COLLATE "C" NOT NULL,
    latest          BIGINT NOT NULL,
    mac             TEXT COLLATE "C" NOT NULL,
    updated_at      BIGINT NOT NULL
);
