-- The version of which it is known that the refresh token was the same after its last use, so that a send does not use it
-- up. Only adds: what a replica of the version before stores has another version, and so is not taken for known.
ALTER TABLE grants ADD COLUMN reusable_version INTEGER NOT NULL DEFAULT 0;
-- Without a refresh token nothing can be used up: client credentials and service accounts.
UPDATE grants SET reusable_version = version
    WHERE kind = 'oauth' AND refreshable = 1 AND refresh_due IS NULL AND version > 1;
