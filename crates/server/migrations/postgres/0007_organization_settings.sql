-- What an organization may ask of its consents, and organizations that were deleted. Flags are 0 or 1.

ALTER TABLE organizations ADD COLUMN require_binding BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN deleted_at BIGINT;
CREATE INDEX organizations_deleted ON organizations (deleted_at) WHERE deleted_at IS NOT NULL;

-- A reconnect may bring another account of the provider.
ALTER TABLE flows ADD COLUMN allow_account_change BIGINT NOT NULL DEFAULT 0;

-- Pending flows are counted at each initiate.
CREATE INDEX flows_pending_by_organization ON flows (organization_id, expires_at) WHERE status = 'pending';
CREATE INDEX flows_pending_by_workspace ON flows (organization_id, workspace_id, expires_at) WHERE status = 'pending';
