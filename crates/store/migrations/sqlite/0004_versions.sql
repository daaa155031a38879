-- All instants are milliseconds since the Unix epoch, UTC.

-- A version that waits to come into use, and the percentage of the gateway's calls that go to it. Both are under the MAC
-- of the row, as are the expiry and the deletion.
ALTER TABLE api_credentials ADD COLUMN staged_version_uid TEXT;
ALTER TABLE api_credentials ADD COLUMN canary_percent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_credentials ADD COLUMN expires_at_ms BIGINT;
ALTER TABLE api_credentials ADD COLUMN rotate_after_days BIGINT;
-- The credential whose key makes new keys for this one at the provider, and in which of its projects; under the MAC too.
ALTER TABLE api_credentials ADD COLUMN minter_uid TEXT;
ALTER TABLE api_credentials ADD COLUMN minter_project TEXT;
-- The values of a deleted credential are gone since then.
ALTER TABLE api_credentials ADD COLUMN purged_at_ms BIGINT;
CREATE INDEX api_credentials_deleted ON api_credentials (deleted_at_ms)
    WHERE deleted_at_ms IS NOT NULL AND purged_at_ms IS NULL;

-- new, rolled_back, or staged.
ALTER TABLE credential_versions ADD COLUMN origin TEXT NOT NULL DEFAULT 'new';
-- The number of the version whose values it took over.
ALTER TABLE credential_versions ADD COLUMN copied_from BIGINT;
-- In use from, until, and when the last call with it had ended.
ALTER TABLE credential_versions ADD COLUMN activated_at_ms BIGINT;
ALTER TABLE credential_versions ADD COLUMN replaced_at_ms BIGINT;
ALTER TABLE credential_versions ADD COLUMN retired_at_ms BIGINT;
-- A staged version that did not come into use: aborted, or refused by the provider.
ALTER TABLE credential_versions ADD COLUMN ended_as TEXT;
ALTER TABLE credential_versions ADD COLUMN ended_at_ms BIGINT;
ALTER TABLE credential_versions ADD COLUMN ended_reason TEXT;
-- Its values are gone: destroyed, pruned, or purged.
ALTER TABLE credential_versions ADD COLUMN erased_as TEXT;
ALTER TABLE credential_versions ADD COLUMN erased_at_ms BIGINT;
-- What the provider said when it was last asked about this version.
ALTER TABLE credential_versions ADD COLUMN probe_outcome TEXT;
ALTER TABLE credential_versions ADD COLUMN probed_at_ms BIGINT;
-- What the provider calls a key that it made for us, and when it revoked it.
ALTER TABLE credential_versions ADD COLUMN provider_key TEXT;
ALTER TABLE credential_versions ADD COLUMN revoked_at_ms BIGINT;
UPDATE credential_versions SET activated_at_ms = created_at_ms,
    replaced_at_ms = (SELECT n.created_at_ms FROM credential_versions n
        WHERE n.credential_uid = credential_versions.credential_uid AND n.number = credential_versions.number + 1),
    retired_at_ms = (SELECT n.created_at_ms FROM credential_versions n
        WHERE n.credential_uid = credential_versions.credential_uid AND n.number = credential_versions.number + 1);
CREATE INDEX credential_versions_draining ON credential_versions (replaced_at_ms)
    WHERE replaced_at_ms IS NOT NULL AND retired_at_ms IS NULL;

-- Servers on which calls with a replaced version are under way, each until it has said so again.
CREATE TABLE version_drains (
    version_uid TEXT NOT NULL REFERENCES credential_versions (uid),
    node_uid TEXT NOT NULL,
    busy_until_ms BIGINT NOT NULL,
    PRIMARY KEY (version_uid, node_uid)
);

-- What people were reminded of, each once: expires_soon, expired or rotation_due, and the instant that it is about.
CREATE TABLE credential_reminders (
    credential_uid TEXT NOT NULL REFERENCES api_credentials (uid),
    kind TEXT NOT NULL,
    about_ms BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (credential_uid, kind, about_ms)
);
