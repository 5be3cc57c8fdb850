-- Where an organization's audit log begins once its oldest entries were pruned: the last one that is gone. Only adds.

CREATE TABLE audit_anchors (
    organization_id TEXT PRIMARY KEY,
    seq             INTEGER NOT NULL,
    hash            TEXT NOT NULL,
    latest          INTEGER NOT NULL,
    mac             TEXT NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
