-- When a grant that nobody calls is refreshed, so that its refresh token does not end by disuse. NULL: never.
-- 0 is due at once: rows that a replica of the version before inserts during an upgrade.
ALTER TABLE grants ADD COLUMN refresh_due BIGINT DEFAULT 0;
-- Five days after the last change, as for new grants.
UPDATE grants SET refresh_due = CASE WHEN refreshable = 1 AND kind = 'oauth' THEN updated_at + 432000000 END;
CREATE INDEX grants_idle ON grants (refresh_due)
    WHERE refresh_due IS NOT NULL AND status IN ('active', 'app_misconfigured');
