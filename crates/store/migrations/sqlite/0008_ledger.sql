-- All instants are milliseconds since the Unix epoch, UTC. Amounts of money are billionths of a US dollar.
--
-- The ledger is rebuilt, once: see docs/adr/0011. What it holds comes within the bounds of what is written today: a figure of
-- a line is at most 10^13 (`Amount`), a sum at most 2^60, a model has at most 128 bytes of printable ASCII (`LedgerText`).
-- This text is the same for both databases but for what stands in only one of them.

DROP VIEW usage_records;
DROP INDEX usage_days_credential;
DROP INDEX counter_entries_counter;
DROP INDEX limits_uid;
ALTER TABLE usage_contexts RENAME TO usage_contexts_before;
ALTER TABLE usage_lines RENAME TO usage_lines_before;
ALTER TABLE usage_days RENAME TO usage_days_before;
ALTER TABLE counters RENAME TO counters_before;
ALTER TABLE counter_entries RENAME TO counter_entries_before;
ALTER TABLE node_holds RENAME TO node_holds_before;
ALTER TABLE limits RENAME TO limits_before;
ALTER TABLE tokens RENAME TO tokens_before;

-- What records are told apart by, each once. None is empty in the sense of NULL, so that joins are by equality: an empty text
-- and 0 stand for what there is not.
CREATE TABLE usage_dims (
    -- A digest of all the rest, so that servers agree on it without asking each other; random in rows from before.
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    -- read, recorded, call, attempt (another credential served the call), or late (it was settled without this server).
    kind TEXT NOT NULL,
    -- Empty in sums of days from before, of which the records are gone.
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    team_uid TEXT NOT NULL,
    grant_uid TEXT NOT NULL,
    credential_uid TEXT NOT NULL,
    version_uid TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    tag_set_uid TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_dims ON usage_dims (region, kind, operation, actor, user_id, credential_uid, version_uid, provider,
    model, source);

-- Tags that calls declare, a set of them once: canonical JSON.
CREATE TABLE tag_sets (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A line of the ledger is written for every call: what lines have in common stands once.
CREATE TABLE usage_contexts (
    -- A digest of the dims, the status and the metering; random in rows from before.
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    status INTEGER NOT NULL,
    metering TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_contexts ON usage_contexts (dims_uid, status, metering);

CREATE TABLE ledger_before (
    uid TEXT PRIMARY KEY, region TEXT NOT NULL, kind TEXT NOT NULL, operation TEXT NOT NULL, actor TEXT NOT NULL,
    user_id INTEGER NOT NULL, credential_uid TEXT NOT NULL, version_uid TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT
        NULL,
    source TEXT NOT NULL, status INTEGER NOT NULL, metering TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_before SELECT uid, region, kind, CASE WHEN instr(CAST(operation AS BLOB), x'00') > 0 THEN '(other)' ELSE
    operation END, CASE WHEN instr(CAST(actor AS BLOB), x'00') > 0 THEN '(other)' ELSE actor END, COALESCE(CAST(user_id AS
        INTEGER), 0),
    COALESCE(credential_uid, ''), COALESCE(version_uid, ''), CASE WHEN instr(CAST(provider AS BLOB), x'00') > 0 THEN
        '(other)' ELSE provider END,
    CASE WHEN length(CAST(model AS BLOB)) > 128 OR instr(CAST(model AS BLOB), x'00') > 0 OR model GLOB '*[^ -~]*' THEN
        '(other)' ELSE model END,
    source, CAST(max(0, min(65535, status)) AS INTEGER), metering FROM usage_contexts_before;
INSERT INTO usage_dims SELECT lower(hex(randomblob(16))), x.region, x.kind, x.operation, x.actor, x.user_id, '', '',
    x.credential_uid,
    x.version_uid, x.provider, x.model, x.source, '' FROM (SELECT DISTINCT region, kind, operation, actor, user_id,
        credential_uid, version_uid, provider, model, source
    FROM ledger_before) x;
INSERT INTO usage_contexts SELECT lower(hex(randomblob(16))), x.region, x.dims_uid, x.status, x.metering
FROM (SELECT DISTINCT b.region, m.uid AS dims_uid, b.status, b.metering FROM ledger_before b JOIN usage_dims m
    ON m.region = b.region AND m.kind = b.kind AND m.operation = b.operation AND m.actor = b.actor AND m.user_id = b.user_id
    AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid AND m.provider = b.provider AND m.model =
        b.model AND m.source = b.source) x;
CREATE TABLE ledger_map (before_uid TEXT PRIMARY KEY, region TEXT NOT NULL, context_uid TEXT NOT NULL, dims_uid TEXT NOT
    NULL) STRICT, WITHOUT ROWID;
INSERT INTO ledger_map SELECT b.uid, b.region, c.uid, m.uid FROM ledger_before b JOIN usage_dims m
    ON m.region = b.region AND m.kind = b.kind AND m.operation = b.operation AND m.actor = b.actor AND m.user_id = b.user_id
    AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid AND m.provider = b.provider AND m.model =
        b.model AND m.source = b.source
    JOIN usage_contexts c ON c.dims_uid = m.uid AND c.status = b.status AND c.metering = b.metering;

-- One row per use of a key. The uid begins with the instant (RFC 9562, section 5.7), so that its order is that of time.
CREATE TABLE usage_lines (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    context_uid TEXT NOT NULL,
    -- When it was admitted: the instant that decides its windows.
    at_ms INTEGER NOT NULL,
    -- What counts on the credential; and on the token and the user.
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_long_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    -- What it cost; NULL when no price is known.
    cost_nano_usd INTEGER,
    -- What limits were charged.
    charged_tokens INTEGER NOT NULL,
    charged_nano_usd INTEGER NOT NULL,
    -- The value of `changes` under which it was admitted.
    generation INTEGER NOT NULL,
    first_byte_ms INTEGER,
    total_ms INTEGER,
    raw_usage TEXT,
    request_id TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO usage_lines SELECT l.uid, m.region, m.context_uid, CAST(l.at_ms AS INTEGER), CAST(max(0, min(10000000000000,
    l.requests)) AS INTEGER),
    CAST(max(0, min(10000000000000, l.client_requests)) AS INTEGER), CAST(max(0, min(10000000000000, l.input_tokens)) AS
        INTEGER),
    CAST(max(0, min(10000000000000, l.cached_input_tokens)) AS INTEGER), CAST(max(0, min(10000000000000,
        l.cache_write_tokens)) AS INTEGER),
    CAST(max(0, min(10000000000000, l.cache_write_long_tokens)) AS INTEGER), CAST(max(0, min(10000000000000,
        l.output_tokens)) AS INTEGER),
    CAST(max(0, min(10000000000000, l.reasoning_tokens)) AS INTEGER), CAST(max(0, min(10000000000000, l.cost_nano_usd)) AS
        INTEGER),
    CAST(max(0, min(10000000000000, l.charged_tokens)) AS INTEGER), CAST(max(0, min(10000000000000, l.charged_nano_usd)) AS
        INTEGER),
    CAST(l.generation AS INTEGER), CAST(max(0, min(10000000000000, l.first_byte_ms)) AS INTEGER),
    CAST(max(0, min(10000000000000, l.total_ms)) AS INTEGER),
    CASE WHEN instr(CAST(l.raw_usage AS BLOB), x'00') = 0 THEN CAST(l.raw_usage AS TEXT) END,
    CASE WHEN length(CAST(l.request_id AS BLOB)) <= 128 AND instr(CAST(l.request_id AS BLOB), x'00') = 0 AND l.request_id NOT
        GLOB '*[^ -~]*' THEN l.request_id END
FROM usage_lines_before l CROSS JOIN ledger_map m ON m.before_uid = l.context_uid;

-- Lines that charged limits what no call can have cost, and in which unit.
CREATE TABLE ledger_spoilt (uid TEXT PRIMARY KEY, dims_uid TEXT NOT NULL, at_ms INTEGER NOT NULL, generation INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO ledger_spoilt SELECT x.* FROM (SELECT l.uid, m.dims_uid, CAST(l.at_ms AS INTEGER), CAST(l.generation AS INTEGER),
    CASE WHEN (typeof(l.requests) = 'integer' AND l.requests BETWEEN 0 AND 10000000000000) AND (typeof(l.client_requests) =
        'integer' AND l.client_requests BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1 END AS requests,
    CASE WHEN (typeof(l.charged_tokens) = 'integer' AND l.charged_tokens BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1 END AS
        tokens,
    CASE WHEN (typeof(l.charged_nano_usd) = 'integer' AND l.charged_nano_usd BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1 END
        AS nano_usd
FROM usage_lines_before l CROSS JOIN ledger_map m ON m.before_uid = l.context_uid) x WHERE x.requests + x.tokens + x.nano_usd
    > 0;
DROP TABLE usage_lines_before;

-- The records, summed up by day; kept for ever. No sum exceeds 2^60.
CREATE TABLE usage_days (
    day_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    -- Answers with a status of 400 to 499; and those without one, or with another one from 500 on.
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_long_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    -- Records of which no price is known.
    unpriced INTEGER NOT NULL,
    charged_tokens INTEGER NOT NULL,
    charged_nano_usd INTEGER NOT NULL,
    -- Times to the first byte and to the end, and of how many records.
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (day_start_ms, region, dims_uid)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_days SELECT l.at_ms - l.at_ms % 86400000, l.region, c.dims_uid,
    l.requests, l.client_requests, CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END,
    CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END, l.input_tokens, l.cached_input_tokens,
    l.cache_write_tokens, l.cache_write_long_tokens, l.output_tokens, l.reasoning_tokens,
    COALESCE(l.cost_nano_usd, 0), CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END, l.charged_tokens,
    l.charged_nano_usd, COALESCE(l.first_byte_ms, 0), CASE WHEN l.first_byte_ms IS NULL THEN 0 ELSE 1 END,
    COALESCE(l.total_ms, 0), CASE WHEN l.total_ms IS NULL THEN 0 ELSE 1 END
FROM usage_lines l CROSS JOIN usage_contexts c ON c.uid = l.context_uid WHERE TRUE
ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET
    requests = min(1152921504606846976, usage_days.requests + excluded.requests),
    client_requests = min(1152921504606846976, usage_days.client_requests + excluded.client_requests),
    errors_client = min(1152921504606846976, usage_days.errors_client + excluded.errors_client),
    errors_provider = min(1152921504606846976, usage_days.errors_provider + excluded.errors_provider),
    input_tokens = min(1152921504606846976, usage_days.input_tokens + excluded.input_tokens),
    cached_input_tokens = min(1152921504606846976, usage_days.cached_input_tokens + excluded.cached_input_tokens),
    cache_write_tokens = min(1152921504606846976, usage_days.cache_write_tokens + excluded.cache_write_tokens),
    cache_write_long_tokens = min(1152921504606846976, usage_days.cache_write_long_tokens + excluded.cache_write_long_tokens),
    output_tokens = min(1152921504606846976, usage_days.output_tokens + excluded.output_tokens),
    reasoning_tokens = min(1152921504606846976, usage_days.reasoning_tokens + excluded.reasoning_tokens),
    cost_nano_usd = min(1152921504606846976, usage_days.cost_nano_usd + excluded.cost_nano_usd),
    unpriced = min(1152921504606846976, usage_days.unpriced + excluded.unpriced),
    charged_tokens = min(1152921504606846976, usage_days.charged_tokens + excluded.charged_tokens),
    charged_nano_usd = min(1152921504606846976, usage_days.charged_nano_usd + excluded.charged_nano_usd),
    first_byte_ms_sum = min(1152921504606846976, usage_days.first_byte_ms_sum + excluded.first_byte_ms_sum),
    first_byte_count = min(1152921504606846976, usage_days.first_byte_count + excluded.first_byte_count),
    total_ms_sum = min(1152921504606846976, usage_days.total_ms_sum + excluded.total_ms_sum),
    total_count = min(1152921504606846976, usage_days.total_count + excluded.total_count);

-- Of a day whose records are all there, the sums are those of the records; of any other they stay, within bounds. All are there
-- when they come to as many requests as were summed up, as far as that can be believed.
CREATE TABLE ledger_days (day_start_ms INTEGER NOT NULL, region TEXT NOT NULL, is_whole INTEGER NOT NULL,
    PRIMARY KEY (day_start_ms, region)) STRICT, WITHOUT ROWID;
INSERT INTO ledger_days SELECT b.day_start_ms, b.region, CASE WHEN n.requests IS NOT NULL AND (b.sane = 0
    OR (b.requests = n.requests AND b.client_requests = n.client_requests)) THEN 1 ELSE 0 END
FROM (SELECT day_start_ms, region, total(requests) AS requests, total(client_requests) AS client_requests,
    MIN(CASE WHEN (typeof(requests) = 'integer' AND requests BETWEEN 0 AND 9007199254740992) AND (typeof(client_requests) =
        'integer' AND client_requests BETWEEN 0 AND 9007199254740992) THEN 1 ELSE 0 END) AS sane
    FROM usage_days_before GROUP BY day_start_ms, region) b
LEFT JOIN (SELECT day_start_ms, region, total(requests) AS requests, total(client_requests) AS client_requests
    FROM usage_days GROUP BY day_start_ms, region) n ON n.day_start_ms = b.day_start_ms AND n.region = b.region;

-- What is left of the other days without the records that are still there. Its operation is not known.
INSERT INTO usage_dims SELECT lower(hex(randomblob(16))), x.region, x.kind, '', x.actor, x.user_id, '', '', x.credential_uid,
    x.version_uid,
    x.provider, x.model, x.source, '' FROM (SELECT DISTINCT b.region, b.kind, CASE WHEN instr(CAST(b.actor AS BLOB), x'00') >
        0 THEN '(other)' ELSE b.actor END AS actor,
    CAST(b.user_id AS INTEGER) AS user_id, b.credential_uid, b.version_uid, CASE WHEN instr(CAST(b.provider AS BLOB), x'00')
        > 0 THEN '(other)' ELSE b.provider END AS provider,
    CASE WHEN length(CAST(b.model AS BLOB)) > 128 OR instr(CAST(b.model AS BLOB), x'00') > 0 OR b.model GLOB '*[^ -~]*' THEN
        '(other)' ELSE b.model END AS model,
    b.source FROM usage_days_before b JOIN ledger_days k ON k.day_start_ms = b.day_start_ms AND k.region = b.region
    WHERE k.is_whole = 0) x WHERE TRUE ON CONFLICT DO NOTHING;
CREATE TABLE ledger_rest (
    day_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_long_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    charged_tokens INTEGER NOT NULL,
    charged_nano_usd INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (day_start_ms, region, dims_uid)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_rest SELECT b.day_start_ms, b.region, m.uid,
    CAST(max(0, min(1152921504606846976, b.requests)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.client_requests)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.errors)) AS INTEGER), 0,
    CAST(max(0, min(1152921504606846976, b.input_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.cached_input_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.cache_write_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.cache_write_long_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.output_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.reasoning_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.cost_nano_usd)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.unpriced)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.charged_tokens)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, b.charged_nano_usd)) AS INTEGER), 0, 0, 0, 0
FROM usage_days_before b JOIN ledger_days k ON k.day_start_ms = b.day_start_ms AND k.region = b.region
JOIN usage_dims m ON m.region = b.region AND m.kind = b.kind AND m.operation = '' AND m.actor = CASE WHEN instr(CAST(b.actor
    AS BLOB), x'00') > 0 THEN '(other)' ELSE b.actor END
    AND m.user_id = CAST(b.user_id AS INTEGER) AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid
    AND m.provider = CASE WHEN instr(CAST(b.provider AS BLOB), x'00') > 0 THEN '(other)' ELSE b.provider END
    AND m.model = CASE WHEN length(CAST(b.model AS BLOB)) > 128 OR instr(CAST(b.model AS BLOB), x'00') > 0 OR b.model GLOB
        '*[^ -~]*' THEN '(other)' ELSE b.model END
    AND m.source = b.source WHERE k.is_whole = 0
ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET
    requests = min(1152921504606846976, ledger_rest.requests + excluded.requests),
    client_requests = min(1152921504606846976, ledger_rest.client_requests + excluded.client_requests),
    errors_client = min(1152921504606846976, ledger_rest.errors_client + excluded.errors_client),
    errors_provider = min(1152921504606846976, ledger_rest.errors_provider + excluded.errors_provider),
    input_tokens = min(1152921504606846976, ledger_rest.input_tokens + excluded.input_tokens),
    cached_input_tokens = min(1152921504606846976, ledger_rest.cached_input_tokens + excluded.cached_input_tokens),
    cache_write_tokens = min(1152921504606846976, ledger_rest.cache_write_tokens + excluded.cache_write_tokens),
    cache_write_long_tokens = min(1152921504606846976, ledger_rest.cache_write_long_tokens +
        excluded.cache_write_long_tokens),
    output_tokens = min(1152921504606846976, ledger_rest.output_tokens + excluded.output_tokens),
    reasoning_tokens = min(1152921504606846976, ledger_rest.reasoning_tokens + excluded.reasoning_tokens),
    cost_nano_usd = min(1152921504606846976, ledger_rest.cost_nano_usd + excluded.cost_nano_usd),
    unpriced = min(1152921504606846976, ledger_rest.unpriced + excluded.unpriced),
    charged_tokens = min(1152921504606846976, ledger_rest.charged_tokens + excluded.charged_tokens),
    charged_nano_usd = min(1152921504606846976, ledger_rest.charged_nano_usd + excluded.charged_nano_usd),
    first_byte_ms_sum = min(1152921504606846976, ledger_rest.first_byte_ms_sum + excluded.first_byte_ms_sum),
    first_byte_count = min(1152921504606846976, ledger_rest.first_byte_count + excluded.first_byte_count),
    total_ms_sum = min(1152921504606846976, ledger_rest.total_ms_sum + excluded.total_ms_sum),
    total_count = min(1152921504606846976, ledger_rest.total_count + excluded.total_count);
INSERT INTO ledger_rest SELECT d.day_start_ms, d.region, z.uid,
    d.requests, d.client_requests, d.errors_client + d.errors_provider, 0, d.input_tokens, d.cached_input_tokens,
    d.cache_write_tokens, d.cache_write_long_tokens, d.output_tokens, d.reasoning_tokens, d.cost_nano_usd,
    d.unpriced, d.charged_tokens, d.charged_nano_usd, 0, 0, 0, 0
FROM usage_days d JOIN ledger_days k ON k.day_start_ms = d.day_start_ms AND k.region = d.region AND k.is_whole = 0
JOIN usage_dims m ON m.uid = d.dims_uid JOIN usage_dims z ON z.operation = '' AND z.region = m.region AND z.kind = m.kind AND
    z.actor = m.actor AND z.user_id = m.user_id AND z.credential_uid = m.credential_uid AND z.version_uid = m.version_uid AND
        z.provider = m.provider AND z.model = m.model AND z.source = m.source
JOIN ledger_rest e ON e.day_start_ms = d.day_start_ms AND e.region = d.region AND e.dims_uid = z.uid WHERE TRUE
ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET
    requests = max(0, ledger_rest.requests - excluded.requests),
    client_requests = max(0, ledger_rest.client_requests - excluded.client_requests),
    errors_client = max(0, ledger_rest.errors_client - excluded.errors_client),
    input_tokens = max(0, ledger_rest.input_tokens - excluded.input_tokens),
    cached_input_tokens = max(0, ledger_rest.cached_input_tokens - excluded.cached_input_tokens),
    cache_write_tokens = max(0, ledger_rest.cache_write_tokens - excluded.cache_write_tokens),
    cache_write_long_tokens = max(0, ledger_rest.cache_write_long_tokens - excluded.cache_write_long_tokens),
    output_tokens = max(0, ledger_rest.output_tokens - excluded.output_tokens),
    reasoning_tokens = max(0, ledger_rest.reasoning_tokens - excluded.reasoning_tokens),
    cost_nano_usd = max(0, ledger_rest.cost_nano_usd - excluded.cost_nano_usd),
    unpriced = max(0, ledger_rest.unpriced - excluded.unpriced),
    charged_tokens = max(0, ledger_rest.charged_tokens - excluded.charged_tokens),
    charged_nano_usd = max(0, ledger_rest.charged_nano_usd - excluded.charged_nano_usd);
INSERT INTO usage_days SELECT * FROM ledger_rest WHERE requests + client_requests + errors_client + unpriced > 0
    OR input_tokens > 0 OR cached_input_tokens > 0 OR cache_write_tokens > 0
    OR cache_write_long_tokens > 0 OR output_tokens > 0 OR reasoning_tokens > 0
    OR cost_nano_usd > 0 OR charged_tokens > 0 OR charged_nano_usd > 0
ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET
    requests = min(1152921504606846976, usage_days.requests + excluded.requests),
    client_requests = min(1152921504606846976, usage_days.client_requests + excluded.client_requests),
    errors_client = min(1152921504606846976, usage_days.errors_client + excluded.errors_client),
    errors_provider = min(1152921504606846976, usage_days.errors_provider + excluded.errors_provider),
    input_tokens = min(1152921504606846976, usage_days.input_tokens + excluded.input_tokens),
    cached_input_tokens = min(1152921504606846976, usage_days.cached_input_tokens + excluded.cached_input_tokens),
    cache_write_tokens = min(1152921504606846976, usage_days.cache_write_tokens + excluded.cache_write_tokens),
    cache_write_long_tokens = min(1152921504606846976, usage_days.cache_write_long_tokens + excluded.cache_write_long_tokens),
    output_tokens = min(1152921504606846976, usage_days.output_tokens + excluded.output_tokens),
    reasoning_tokens = min(1152921504606846976, usage_days.reasoning_tokens + excluded.reasoning_tokens),
    cost_nano_usd = min(1152921504606846976, usage_days.cost_nano_usd + excluded.cost_nano_usd),
    unpriced = min(1152921504606846976, usage_days.unpriced + excluded.unpriced),
    charged_tokens = min(1152921504606846976, usage_days.charged_tokens + excluded.charged_tokens),
    charged_nano_usd = min(1152921504606846976, usage_days.charged_nano_usd + excluded.charged_nano_usd),
    first_byte_ms_sum = min(1152921504606846976, usage_days.first_byte_ms_sum + excluded.first_byte_ms_sum),
    first_byte_count = min(1152921504606846976, usage_days.first_byte_count + excluded.first_byte_count),
    total_ms_sum = min(1152921504606846976, usage_days.total_ms_sum + excluded.total_ms_sum),
    total_count = min(1152921504606846976, usage_days.total_count + excluded.total_count);
DROP TABLE usage_days_before;
DROP TABLE ledger_rest;
DROP TABLE ledger_map;
DROP TABLE ledger_before;
DROP TABLE usage_contexts_before;
DROP INDEX ledger_dims;
DROP INDEX ledger_contexts;
-- What is asked of one credential, or one set of dims.
CREATE INDEX usage_dims_credential ON usage_dims (credential_uid);
CREATE INDEX usage_days_dims ON usage_days (dims_uid, day_start_ms);
-- The contexts of dims, for the sums of limits.
CREATE INDEX usage_contexts_dims ON usage_contexts (dims_uid);

-- The ledger as people read it.
CREATE VIEW usage_records AS SELECT l.uid, l.region, l.at_ms, m.kind, m.operation, m.actor, NULLIF(m.user_id, 0) AS user_id,
    NULLIF(m.credential_uid, '') AS credential_uid, NULLIF(m.version_uid, '') AS version_uid, m.provider, m.model, m.source,
    c.status, l.requests, l.client_requests, l.input_tokens, l.cached_input_tokens, l.cache_write_tokens,
    l.cache_write_long_tokens, l.output_tokens, l.reasoning_tokens, l.cost_nano_usd, l.charged_tokens, l.charged_nano_usd,
    c.metering, l.generation, l.first_byte_ms, l.total_ms, l.raw_usage, l.request_id
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid;

CREATE TABLE counter_entries (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- imported, reset, recovered, repriced, or restored.
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    adjusted INTEGER NOT NULL
) STRICT;
INSERT INTO counter_entries SELECT uid, region, CAST(at_ms AS INTEGER), kind, CASE WHEN instr(CAST(actor AS BLOB), x'00') > 0
    THEN '(other)' ELSE actor END, subject_uid, unit, window_kind,
    CAST(window_start_ms AS INTEGER), CAST(max(-1152921504606846976, min(1152921504606846976, settled)) AS INTEGER),
    CAST(max(-1152921504606846976, min(1152921504606846976, adjusted)) AS INTEGER) FROM counter_entries_before;
DROP TABLE counter_entries_before;
CREATE INDEX counter_entries_counter ON counter_entries (subject_uid, unit, window_kind, window_start_ms);

CREATE TABLE limits (
    uid TEXT NOT NULL,
    scope_kind TEXT NOT NULL,
    scope_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    -- At most 2^60.
    amount INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    -- The value of `changes` when it was set: calls that were admitted before are not counted by it.
    since_change INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope_kind, scope_uid, unit, window_kind)
) STRICT;
INSERT INTO limits SELECT uid, scope_kind, scope_uid, unit, window_kind, CAST(max(0, min(1152921504606846976, amount)) AS
    INTEGER),
    CAST(created_at_ms AS INTEGER), CAST(updated_at_ms AS INTEGER), CAST(since_change AS INTEGER) FROM limits_before;
DROP TABLE limits_before;
CREATE UNIQUE INDEX limits_uid ON limits (uid);

-- What each server holds of each counter: for calls under way, and taken ahead.
CREATE TABLE node_holds (
    node_uid TEXT NOT NULL REFERENCES nodes (uid),
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    held INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    PRIMARY KEY (node_uid, subject_uid, unit, window_kind, window_start_ms, region)
) STRICT;
INSERT INTO node_holds SELECT node_uid, subject_uid, unit, window_kind, CAST(window_start_ms AS INTEGER), region,
    CAST(max(0, min(1152921504606846976, held)) AS INTEGER), CAST(max(0, min(1152921504606846976, leased)) AS INTEGER) FROM
        node_holds_before;
DROP TABLE node_holds_before;

-- One row per subject, window and region; it is never reset in place. The subject is a credential (its monthly requests) or a
-- limit (everything else).
CREATE TABLE counters (
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    settled INTEGER NOT NULL,
    held INTEGER NOT NULL,
    leased INTEGER NOT NULL DEFAULT 0,
    -- What was divided off for others.
    carved INTEGER NOT NULL DEFAULT 0,
    adjusted INTEGER NOT NULL,
    last_used_ms INTEGER,
    PRIMARY KEY (subject_uid, unit, window_kind, window_start_ms, region)
) STRICT;
INSERT INTO counters SELECT subject_uid, unit, window_kind, CAST(window_start_ms AS INTEGER), region,
    CAST(max(0, min(1152921504606846976, settled)) AS INTEGER), CAST(max(0, min(1152921504606846976, held)) AS INTEGER),
    CAST(max(0, min(1152921504606846976, leased)) AS INTEGER), 0, CAST(max(-1152921504606846976, min(1152921504606846976,
        adjusted)) AS INTEGER),
    CAST(last_used_ms AS INTEGER) FROM counters_before;

-- Counters that cannot be believed: themselves, or what a line charged them with. They are what their lines come to where all of
-- these are there, and full where not: what may have been spent is not given out again.
CREATE TABLE ledger_counters (
    subject_uid TEXT NOT NULL, unit TEXT NOT NULL, window_kind TEXT NOT NULL, window_start_ms INTEGER NOT NULL, region TEXT
        NOT NULL,
    -- Of a limit; empty for a credential.
    scope_kind TEXT NOT NULL, scope_uid TEXT NOT NULL, since_change INTEGER NOT NULL, from_ms INTEGER NOT NULL, until_ms
        INTEGER NOT NULL,
    is_odd INTEGER NOT NULL, recorded INTEGER NOT NULL,
    PRIMARY KEY (subject_uid, unit, window_kind, window_start_ms, region)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_counters SELECT n.subject_uid, n.unit, n.window_kind, CAST(n.window_start_ms AS INTEGER), n.region,
    COALESCE(l.scope_kind, ''), COALESCE(l.scope_uid, ''), COALESCE(l.since_change, 0),
    CASE WHEN n.window_kind = 'prepaid' THEN COALESCE(l.created_at_ms, 0) ELSE CAST(n.window_start_ms AS INTEGER) END,
    CASE n.window_kind WHEN 'minute' THEN n.window_start_ms + 60000 WHEN 'hour' THEN n.window_start_ms + 3600000
        WHEN 'day' THEN n.window_start_ms + 86400000
        WHEN 'month' THEN CAST(strftime('%s', n.window_start_ms / 1000, 'unixepoch', '+1 month') AS INTEGER) * 1000
        ELSE 9223372036854775807 END,
    CASE WHEN (typeof(n.settled) = 'integer' AND n.settled BETWEEN 0 AND 1152921504606846976) AND (typeof(n.adjusted) =
        'integer' AND n.adjusted BETWEEN -1152921504606846976 AND 1152921504606846976)
        THEN 0 ELSE 1 END, 0
FROM counters_before n LEFT JOIN limits l ON l.uid = n.subject_uid;
UPDATE ledger_counters SET is_odd = 1 WHERE scope_kind <> '' AND EXISTS (SELECT 1 FROM ledger_spoilt s
    JOIN usage_dims m ON m.uid = s.dims_uid WHERE m.region = ledger_counters.region AND m.kind <> 'late'
    AND s.generation >= ledger_counters.since_change AND s.at_ms >= ledger_counters.window_start_ms
    AND s.at_ms < ledger_counters.until_ms
    AND CASE ledger_counters.unit WHEN 'tokens' THEN s.tokens WHEN 'nano_usd' THEN s.nano_usd ELSE s.requests END = 1
    AND ((ledger_counters.scope_kind = 'credential' AND m.credential_uid = ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'token' AND m.actor = 'token:' || ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'user' AND m.user_id <> 0 AND CAST(m.user_id AS TEXT) = ledger_counters.scope_uid)));
DELETE FROM ledger_counters WHERE is_odd = 0;
-- A credential's requests come from the sums of its days, a limit's use from the lines of its window.
UPDATE ledger_counters SET recorded = COALESCE((SELECT CASE WHEN SUM(d.requests >> 30) >= 1073741824 THEN 1152921504606846976
    WHEN SUM(d.requests >> 30) < -1073741824 THEN -1152921504606846976 ELSE SUM(d.requests >> 30) * 1073741824 +
        SUM(d.requests & 1073741823) END
    FROM usage_dims m JOIN usage_days d ON d.dims_uid = m.uid WHERE m.credential_uid = ledger_counters.subject_uid
    AND m.kind <> 'late' AND d.region = ledger_counters.region AND d.day_start_ms >= ledger_counters.window_start_ms
    AND d.day_start_ms < ledger_counters.until_ms), 0)
WHERE scope_kind = '';
UPDATE ledger_counters SET recorded = CASE WHEN EXISTS (SELECT 1 FROM ledger_days k WHERE k.is_whole = 0
    AND k.region = ledger_counters.region AND k.day_start_ms > ledger_counters.from_ms - 86400000
    AND k.day_start_ms < ledger_counters.until_ms) THEN -1 ELSE COALESCE((SELECT
    CASE WHEN SUM((CASE ledger_counters.unit WHEN 'tokens' THEN r.charged_tokens WHEN 'nano_usd' THEN r.charged_nano_usd ELSE
        CASE ledger_counters.scope_kind WHEN 'credential' THEN r.requests ELSE r.client_requests END END) >> 30) >=
        1073741824 THEN 1152921504606846976 WHEN SUM((CASE ledger_counters.unit WHEN 'tokens' THEN r.charged_tokens WHEN
        'nano_usd' THEN r.charged_nano_usd ELSE CASE ledger_counters.scope_kind WHEN 'credential' THEN r.requests ELSE
        r.client_requests END END) >> 30) < -1073741824 THEN -1152921504606846976 ELSE SUM((CASE ledger_counters.unit WHEN
        'tokens' THEN r.charged_tokens WHEN 'nano_usd' THEN r.charged_nano_usd ELSE CASE ledger_counters.scope_kind WHEN
        'credential' THEN r.requests ELSE r.client_requests END END) >> 30) * 1073741824 + SUM((CASE ledger_counters.unit
        WHEN 'tokens' THEN r.charged_tokens WHEN 'nano_usd' THEN r.charged_nano_usd ELSE CASE ledger_counters.scope_kind WHEN
        'credential' THEN r.requests ELSE r.client_requests END END) & 1073741823) END
    FROM usage_lines r JOIN usage_contexts c ON c.uid = r.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
    WHERE r.region = ledger_counters.region AND m.kind <> 'late' AND r.generation >= ledger_counters.since_change
    AND r.at_ms >= ledger_counters.window_start_ms AND r.at_ms < ledger_counters.until_ms
    AND ((ledger_counters.scope_kind = 'credential' AND m.credential_uid = ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'token' AND m.actor = 'token:' || ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'user' AND m.user_id <> 0 AND CAST(m.user_id AS TEXT) = ledger_counters.scope_uid))), 0)
        END
WHERE scope_kind <> '';

UPDATE counters SET
    settled = CASE WHEN x.recorded < 0 THEN 1152921504606846976 ELSE max(0, min(1152921504606846976, x.recorded +
        COALESCE((SELECT CASE WHEN SUM(e.settled >> 30) >= 1073741824 THEN 1152921504606846976 WHEN SUM(e.settled >> 30) <
        -1073741824 THEN -1152921504606846976 ELSE SUM(e.settled >> 30) * 1073741824 + SUM(e.settled & 1073741823) END
        FROM counter_entries e WHERE e.subject_uid = counters.subject_uid AND e.unit = counters.unit
        AND e.window_kind = counters.window_kind AND e.window_start_ms = counters.window_start_ms AND e.region =
        counters.region), 0))) END,
    adjusted = CASE WHEN x.recorded < 0 THEN 0 ELSE
        COALESCE((SELECT CASE WHEN SUM(e.adjusted >> 30) >= 1073741824 THEN 1152921504606846976 WHEN SUM(e.adjusted >> 30) <
        -1073741824 THEN -1152921504606846976 ELSE SUM(e.adjusted >> 30) * 1073741824 + SUM(e.adjusted & 1073741823) END
        FROM counter_entries e WHERE e.subject_uid = counters.subject_uid AND e.unit = counters.unit
        AND e.window_kind = counters.window_kind AND e.window_start_ms = counters.window_start_ms AND e.region =
        counters.region), 0) END
FROM ledger_counters x WHERE x.subject_uid = counters.subject_uid AND x.unit = counters.unit
    AND x.window_kind = counters.window_kind AND x.window_start_ms = counters.window_start_ms AND x.region = counters.region;
UPDATE counters SET
    held = COALESCE((SELECT CASE WHEN SUM(h.held >> 30) >= 1073741824 THEN 1152921504606846976 WHEN SUM(h.held >> 30) <
        -1073741824 THEN -1152921504606846976 ELSE SUM(h.held >> 30) * 1073741824 + SUM(h.held & 1073741823) END
        FROM node_holds h WHERE h.subject_uid = counters.subject_uid AND h.unit = counters.unit
        AND h.window_kind = counters.window_kind AND h.window_start_ms = counters.window_start_ms AND h.region =
        counters.region), 0),
    leased = COALESCE((SELECT CASE WHEN SUM(h.leased >> 30) >= 1073741824 THEN 1152921504606846976 WHEN SUM(h.leased >> 30) <
        -1073741824 THEN -1152921504606846976 ELSE SUM(h.leased >> 30) * 1073741824 + SUM(h.leased & 1073741823) END
        FROM node_holds h WHERE h.subject_uid = counters.subject_uid AND h.unit = counters.unit
        AND h.window_kind = counters.window_kind AND h.window_start_ms = counters.window_start_ms AND h.region =
        counters.region), 0)
WHERE EXISTS (SELECT 1 FROM counters_before b WHERE b.subject_uid = counters.subject_uid AND b.unit = counters.unit
    AND b.window_kind = counters.window_kind AND b.window_start_ms = counters.window_start_ms AND b.region = counters.region
    AND NOT ((typeof(b.held) = 'integer' AND b.held BETWEEN 0 AND 1152921504606846976) AND (typeof(b.leased) = 'integer' AND
        b.leased BETWEEN 0 AND 1152921504606846976)));
DROP TABLE counters_before;
DROP TABLE ledger_counters;
DROP TABLE ledger_spoilt;
DROP TABLE ledger_days;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- A JSON array of credential uids, and one of providers; an empty one does not narrow.
    scope_credentials TEXT NOT NULL,
    scope_providers TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id),
    hash_key_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER,
    -- The token that made it, and the first one of that line; the team that pays; and what else it is bound to, as canonical
    -- JSON. NULL for none.
    parent_id TEXT,
    root_id TEXT,
    team_uid TEXT,
    terms TEXT
) STRICT;
INSERT INTO tokens SELECT id, name, role, scope_credentials, scope_providers, user_id, hash_key_id, hash, mac_key_id, mac,
    created_at_ms, expires_at_ms, revoked_at_ms, NULL, NULL, NULL, NULL FROM tokens_before;
DROP TABLE tokens_before;
