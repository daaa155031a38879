-- All instants are milliseconds since the Unix epoch, UTC. Amounts of money are billionths of a US dollar.

-- One row. Its value moves with every change that an admission has to know of before it goes on.
CREATE TABLE changes (
    id BIGINT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO changes (id, value) VALUES (1, 0);

ALTER TABLE limits ADD COLUMN uid TEXT NOT NULL DEFAULT '';
-- The value of `changes` when it was set: calls that were admitted before are not counted by it.
ALTER TABLE limits ADD COLUMN since_change BIGINT NOT NULL DEFAULT 0;
UPDATE limits SET uid = replace(CAST(gen_random_uuid() AS TEXT), '-', '');
CREATE UNIQUE INDEX limits_uid ON limits (uid);

-- The subject of a counter is a credential (its monthly requests) or a limit (everything else).
ALTER TABLE counters ADD COLUMN leased BIGINT NOT NULL DEFAULT 0;

-- Servers that hold something. A lease that has lapsed by the database's clock is a server that is gone.
CREATE TABLE nodes (
    uid TEXT PRIMARY KEY,
    started_at_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    -- Moves with every batch of the server: one whose commit got no answer is told from one that did not happen.
    batch BIGINT NOT NULL
);

-- What each server holds of each counter: for calls under way, and taken ahead.
CREATE TABLE node_holds (
    node_uid TEXT NOT NULL REFERENCES nodes (uid),
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms BIGINT NOT NULL,
    region TEXT NOT NULL,
    held BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    PRIMARY KEY (node_uid, subject_uid, unit, window_kind, window_start_ms, region)
);

-- Lines of the ledger that are about one counter and about no call.
CREATE TABLE counter_entries (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    -- imported, reset, recovered, repriced, or restored.
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    adjusted BIGINT NOT NULL
);
CREATE INDEX counter_entries_counter ON counter_entries (subject_uid, unit, window_kind, window_start_ms);
INSERT INTO counter_entries (uid, region, at_ms, kind, actor, subject_uid, unit, window_kind, window_start_ms, settled,
    adjusted)
SELECT uid, region, at_ms, kind, actor, credential_uid, 'requests', 'month', window_start_ms, requests, adjustment
FROM usage_records WHERE kind IN ('imported', 'reset');

DROP INDEX usage_records_credential;
ALTER TABLE usage_records RENAME TO usage_records_before;

-- One row per use of a key. The uid begins with the instant (RFC 9562, section 5.7), so that its order is that of time.
CREATE TABLE usage_records (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    -- When it was admitted: the instant that decides its windows.
    at_ms BIGINT NOT NULL,
    -- read, recorded, call, attempt (another credential served the call), or late (it was settled without this server).
    kind TEXT NOT NULL,
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id BIGINT,
    credential_uid TEXT,
    version_uid TEXT,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    status BIGINT NOT NULL,
    -- What counts on the credential; and on the token and the user.
    requests BIGINT NOT NULL,
    client_requests BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    -- What it cost; NULL when no price is known.
    cost_nano_usd BIGINT,
    -- What limits were charged.
    charged_tokens BIGINT NOT NULL,
    charged_nano_usd BIGINT NOT NULL,
    metering TEXT NOT NULL,
    -- The value of `changes` under which it was admitted.
    generation BIGINT NOT NULL,
    first_byte_ms BIGINT,
    total_ms BIGINT,
    raw_usage TEXT,
    request_id TEXT
);
INSERT INTO usage_records (uid, region, at_ms, kind, operation, actor, user_id, credential_uid, version_uid, provider,
    model, source, status, requests, client_requests, input_tokens, cached_input_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, charged_tokens, charged_nano_usd, metering,
    generation)
SELECT uid, region, at_ms, kind, 'secret.read', actor, user_id, credential_uid, version_uid, provider, '', source, 200,
    requests, requests, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 'unmetered', 0
FROM usage_records_before WHERE kind NOT IN ('imported', 'reset');
DROP TABLE usage_records_before;

-- The same, summed up by day; kept for ever. Empty texts and 0 stand for what a record does not have.
CREATE TABLE usage_days (
    day_start_ms BIGINT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    credential_uid TEXT NOT NULL,
    version_uid TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    requests BIGINT NOT NULL,
    client_requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    -- Records of which no price is known.
    unpriced BIGINT NOT NULL,
    charged_tokens BIGINT NOT NULL,
    charged_nano_usd BIGINT NOT NULL,
    PRIMARY KEY (day_start_ms, region, kind, actor, user_id, credential_uid, version_uid, provider, model, source)
);
CREATE INDEX usage_days_credential ON usage_days (credential_uid, day_start_ms);
INSERT INTO usage_days SELECT at_ms - at_ms % 86400000, region, kind, actor, COALESCE(user_id, 0),
    COALESCE(credential_uid, ''), COALESCE(version_uid, ''), provider, model, source, SUM(requests), SUM(client_requests), 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM usage_records
GROUP BY at_ms - at_ms % 86400000, region, kind, actor, COALESCE(user_id, 0), COALESCE(credential_uid, ''),
    COALESCE(version_uid, ''), provider, model, source;
