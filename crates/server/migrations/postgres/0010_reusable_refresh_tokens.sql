-- Whether a refresh token was the same after its last use, so that no send can use it up. 0: not known, or replaced by
-- each use. Only adds: a replica of the version before leaves it at what it finds.
ALTER TABLE grants ADD COLUMN reusable BIGINT NOT NULL DEFAULT 0;
