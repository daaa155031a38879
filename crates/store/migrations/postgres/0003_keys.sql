-- When nothing was left under it; NULL while it is in use or may still have to open something.
ALTER TABLE encryption_keys ADD COLUMN retired_at_ms BIGINT;

-- What is sealed under a key is found, and counted, without reading everything.
CREATE INDEX credential_values_key ON credential_values (key_id);

-- Every change of the data key. The one that is open goes on on whichever server looks, until it is verified.
CREATE TABLE key_rotations (
    key_id TEXT PRIMARY KEY REFERENCES encryption_keys (id),
    -- asked, age, or seals.
    reason TEXT NOT NULL,
    is_open BOOLEAN NOT NULL,
    started_at_ms BIGINT NOT NULL,
    -- Sealed texts under other keys when it began.
    texts BIGINT NOT NULL,
    finished_at_ms BIGINT,
    -- Sealed texts that did not open and stayed under their keys.
    broken BIGINT NOT NULL
);
CREATE UNIQUE INDEX key_rotations_open ON key_rotations (is_open) WHERE is_open;

-- Processes that have this database open, and the master keys that each holds. One without a sign of life is gone.
CREATE TABLE key_holders (
    node_uid TEXT NOT NULL,
    master_fingerprint TEXT NOT NULL,
    -- Whether it is the one that new wraps are made under there.
    is_first BOOLEAN NOT NULL,
    host TEXT NOT NULL,
    process_id BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    alive_until_ms BIGINT NOT NULL,
    PRIMARY KEY (node_uid, master_fingerprint)
);
