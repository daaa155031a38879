-- Over what a version's row says and the fingerprints of its values. Empty in rows from before, until the first server that has
-- the keys has filled them all, once.
ALTER TABLE credential_versions ADD COLUMN mac_key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE credential_versions ADD COLUMN mac TEXT NOT NULL DEFAULT '';
-- Whether a version of the next number was made: the last one cannot be taken away unseen.
ALTER TABLE credential_versions ADD COLUMN is_followed BOOLEAN NOT NULL DEFAULT FALSE;
