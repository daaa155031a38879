-- All instants are milliseconds since the Unix epoch, UTC. Amounts of money are billionths of a US dollar.
--
-- The ledger is rebuilt, once: see docs/adr/0011. What it holds comes within the bounds of what is written today: a figure of
-- a line is at most 10^13 (`Amount`), a sum at most 2^60, a model has at most 128 bytes of printable ASCII (`LedgerText`).
-- This text is the same for both databases but for what stands in only one of them.

DROP VIEW usage_records;
SET LOCAL work_mem = '64MB';
SET LOCAL maintenance_work_mem = '256MB';
DROP INDEX usage_days_credential;
ALTER TABLE usage_contexts RENAME TO usage_contexts_before;
ALTER INDEX usage_contexts_pkey RENAME TO usage_contexts_before_pkey;
ALTER TABLE usage_lines RENAME TO usage_lines_before;
ALTER INDEX usage_lines_pkey RENAME TO usage_lines_before_pkey;
ALTER TABLE usage_days RENAME TO usage_days_before;
ALTER INDEX usage_days_pkey RENAME TO usage_days_before_pkey;

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
    user_id BIGINT NOT NULL,
    team_uid TEXT NOT NULL,
    grant_uid TEXT NOT NULL,
    credential_uid TEXT NOT NULL,
    version_uid TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    tag_set_uid TEXT NOT NULL
);
CREATE UNIQUE INDEX ledger_dims ON usage_dims (region, kind, operation, actor, user_id, credential_uid, version_uid, provider,
    model, source);

-- Tags that calls declare, a set of them once: canonical JSON.
CREATE TABLE tag_sets (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    tags TEXT NOT NULL
);

-- A line of the ledger is written for every call: what lines have in common stands once.
CREATE TABLE usage_contexts (
    -- A digest of the dims, the status and the metering; random in rows from before.
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    status BIGINT NOT NULL,
    metering TEXT NOT NULL
);
CREATE UNIQUE INDEX ledger_contexts ON usage_contexts (dims_uid, status, metering);

CREATE TABLE ledger_before (
    uid TEXT PRIMARY KEY, region TEXT NOT NULL, kind TEXT NOT NULL, operation TEXT NOT NULL, actor TEXT NOT NULL,
    user_id BIGINT NOT NULL, credential_uid TEXT NOT NULL, version_uid TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT
        NULL,
    source TEXT NOT NULL, status BIGINT NOT NULL, metering TEXT NOT NULL
);
INSERT INTO ledger_before SELECT uid, region, kind, operation, actor, COALESCE(user_id, 0),
    COALESCE(credential_uid, ''), COALESCE(version_uid, ''), provider,
    CASE WHEN octet_length(model) > 128 OR model COLLATE "C" ~ '[^ -~]' THEN '(other)' ELSE model END,
    source, LEAST(GREATEST(status, 0), 65535), metering FROM usage_contexts_before;
INSERT INTO usage_dims SELECT replace(CAST(gen_random_uuid() AS TEXT), '-', ''), x.region, x.kind, x.operation, x.actor,
    x.user_id, '', '', x.credential_uid,
    x.version_uid, x.provider, x.model, x.source, '' FROM (SELECT DISTINCT region, kind, operation, actor, user_id,
        credential_uid, version_uid, provider, model, source
    FROM ledger_before) x;
INSERT INTO usage_contexts SELECT replace(CAST(gen_random_uuid() AS TEXT), '-', ''), x.region, x.dims_uid, x.status,
    x.metering
FROM (SELECT DISTINCT b.region, m.uid AS dims_uid, b.status, b.metering FROM ledger_before b JOIN usage_dims m
    ON m.region = b.region AND m.kind = b.kind AND m.operation = b.operation AND m.actor = b.actor AND m.user_id = b.user_id
    AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid AND m.provider = b.provider AND m.model =
        b.model AND m.source = b.source) x;
CREATE TABLE ledger_map (before_uid TEXT PRIMARY KEY, region TEXT NOT NULL, context_uid TEXT NOT NULL, dims_uid TEXT NOT
    NULL);
INSERT INTO ledger_map SELECT b.uid, b.region, c.uid, m.uid FROM ledger_before b JOIN usage_dims m
    ON m.region = b.region AND m.kind = b.kind AND m.operation = b.operation AND m.actor = b.actor AND m.user_id = b.user_id
    AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid AND m.provider = b.provider AND m.model =
        b.model AND m.source = b.source
    JOIN usage_contexts c ON c.dims_uid = m.uid AND c.status = b.status AND c.metering = b.metering;

ANALYZE ledger_map;

-- One row per use of a key. The uid begins with the instant (RFC 9562, section 5.7), so that its order is that of time.
CREATE TABLE usage_lines (
    uid TEXT COLLATE "C" NOT NULL,
    region TEXT NOT NULL,
    context_uid TEXT NOT NULL,
    -- When it was admitted: the instant that decides its windows.
    at_ms BIGINT NOT NULL,
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
    -- The value of `changes` under which it was admitted.
    generation BIGINT NOT NULL,
    first_byte_ms BIGINT,
    total_ms BIGINT,
    raw_usage TEXT,
    request_id TEXT
) PARTITION BY RANGE (uid);

-- A partition for each day, made ahead. What belongs to no day that there is one for is in this one: records of a clock that
-- jumped, or of long ago.
CREATE TABLE usage_lines_other PARTITION OF usage_lines DEFAULT;

-- Makes the partitions of so many days, from the one on that holds an instant; tells how many were not there. Records of those
-- days that are in `usage_lines_other` move. The server's role may not make tables, so this runs with the rights of the owner.
-- It takes no lock on `usage_lines` that records which are being written would wait for, and gives up rather than wait long.
CREATE FUNCTION usage_lines_make_partitions(first_ms BIGINT, days INTEGER) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
    day_ms CONSTANT BIGINT := 86400000;
    day BIGINT;
    partition TEXT;
    first_uid TEXT;
    end_uid TEXT;
    made BIGINT := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 31 OR first_ms NOT BETWEEN 0 AND 253402214400000 THEN
        RAISE EXCEPTION 'partitions are made for 1 to 31 days of the years 1970 to 9999' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(7239461029384757);
    FOR day IN SELECT first_ms - first_ms % day_ms + n * day_ms FROM generate_series(0, days - 1) n LOOP
        partition := 'usage_lines_' || to_char(to_timestamp(day / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        first_uid := lpad(to_hex(day), 12, '0');
        end_uid := lpad(to_hex(day + day_ms), 12, '0');
        EXECUTE format('CREATE TABLE %I (LIKE usage_lines INCLUDING ALL)', partition);
        EXECUTE format('REVOKE ALL ON TABLE %I FROM PUBLIC', partition);
        LOCK TABLE usage_lines_other IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM usage_lines_other WHERE uid >= %L AND uid < %L RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved', first_uid, end_uid, partition);
        EXECUTE format('ALTER TABLE usage_lines ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, first_uid,
            end_uid);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Drops the oldest partition of a day that has ended at an instant, and tells how many records it had: NULL when there is none,
-- -1 when others read or write and it would have to wait: every call would wait with it.
CREATE FUNCTION usage_lines_drop_partition(before_ms BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '200ms' AS $$
DECLARE
    partition TEXT;
    records BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(7239461029384757);
    SELECT c.relname INTO partition FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST('usage_lines' AS regclass) AND c.relname ~ '^usage_lines_[0-9]{8}$'
        AND (EXTRACT(EPOCH FROM to_date(right(c.relname, 8), 'YYYYMMDD')) + 86400) * 1000 <= before_ms
    ORDER BY c.relname LIMIT 1;
    IF partition IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT COUNT(*) FROM %I', partition) INTO records;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN records;
EXCEPTION WHEN lock_not_available THEN
    RETURN -1;
END $$;

-- The functions find our tables, whatever the search path of who calls them; and nobody calls them but who is told to
-- (docs/postgres-grants.sql).
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION usage_lines_make_partitions(BIGINT, INTEGER) SET search_path = %I, pg_temp',
        current_schema());
    EXECUTE format('ALTER FUNCTION usage_lines_drop_partition(BIGINT) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION usage_lines_make_partitions(BIGINT, INTEGER), usage_lines_drop_partition(BIGINT) FROM PUBLIC;

-- The newest 400 days of which there are records, as many as are kept unless it is set otherwise; and the days to come.
SELECT usage_lines_make_partitions(x.day, 1) FROM (SELECT DISTINCT day_start_ms AS day FROM usage_days_before
    WHERE day_start_ms BETWEEN 0 AND CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + 7 * 86400000
    AND EXISTS (SELECT 1 FROM usage_lines_before l WHERE l.uid >= lpad(to_hex(day_start_ms), 12, '0')
        AND l.uid < lpad(to_hex(day_start_ms + 86400000), 12, '0'))
    ORDER BY 1 DESC LIMIT 400) x;
SELECT usage_lines_make_partitions(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), 8);

INSERT INTO usage_lines SELECT l.uid, m.region, m.context_uid, l.at_ms, LEAST(GREATEST(l.requests, 0), 10000000000000),
    LEAST(GREATEST(l.client_requests, 0), 10000000000000), LEAST(GREATEST(l.input_tokens, 0), 10000000000000),
    LEAST(GREATEST(l.cached_input_tokens, 0), 10000000000000), LEAST(GREATEST(l.cache_write_tokens, 0), 10000000000000),
    LEAST(GREATEST(l.cache_write_long_tokens, 0), 10000000000000), LEAST(GREATEST(l.output_tokens, 0), 10000000000000),
    LEAST(GREATEST(l.reasoning_tokens, 0), 10000000000000), CASE WHEN l.cost_nano_usd IS NOT NULL THEN
        LEAST(GREATEST(l.cost_nano_usd, 0), 10000000000000) END,
    LEAST(GREATEST(l.charged_tokens, 0), 10000000000000), LEAST(GREATEST(l.charged_nano_usd, 0), 10000000000000),
    l.generation, CASE WHEN l.first_byte_ms IS NOT NULL THEN LEAST(GREATEST(l.first_byte_ms, 0), 10000000000000) END,
    CASE WHEN l.total_ms IS NOT NULL THEN LEAST(GREATEST(l.total_ms, 0), 10000000000000) END,
    l.raw_usage,
    CASE WHEN octet_length(l.request_id) <= 128 AND l.request_id COLLATE "C" !~ '[^ -~]' THEN l.request_id END
FROM usage_lines_before l JOIN ledger_map m ON m.before_uid = l.context_uid;
ALTER TABLE usage_lines ADD PRIMARY KEY (uid);

-- Lines that charged limits what no call can have cost, and in which unit.
CREATE TABLE ledger_spoilt (uid TEXT PRIMARY KEY, dims_uid TEXT NOT NULL, at_ms BIGINT NOT NULL, generation BIGINT NOT NULL,
    requests BIGINT NOT NULL, tokens BIGINT NOT NULL, nano_usd BIGINT NOT NULL);
INSERT INTO ledger_spoilt SELECT x.* FROM (SELECT l.uid, m.dims_uid, l.at_ms, l.generation,
    CASE WHEN (l.requests BETWEEN 0 AND 10000000000000) AND (l.client_requests BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1
        END AS requests,
    CASE WHEN (l.charged_tokens BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1 END AS tokens,
    CASE WHEN (l.charged_nano_usd BETWEEN 0 AND 10000000000000) THEN 0 ELSE 1 END AS nano_usd
FROM usage_lines_before l JOIN ledger_map m ON m.before_uid = l.context_uid) x WHERE x.requests + x.tokens + x.nano_usd > 0;
DROP TABLE usage_lines_before;

-- The records, summed up by day; kept for ever. No sum exceeds 2^60.
CREATE TABLE usage_days (
    day_start_ms BIGINT NOT NULL,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    requests BIGINT NOT NULL,
    client_requests BIGINT NOT NULL,
    -- Answers with a status of 400 to 499; and those without one, or with another one from 500 on.
    errors_client BIGINT NOT NULL,
    errors_provider BIGINT NOT NULL,
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
    -- Times to the first byte and to the end, and of how many records.
    first_byte_ms_sum BIGINT NOT NULL,
    first_byte_count BIGINT NOT NULL,
    total_ms_sum BIGINT NOT NULL,
    total_count BIGINT NOT NULL,
    PRIMARY KEY (day_start_ms, region, dims_uid)
);
INSERT INTO usage_days SELECT l.at_ms - l.at_ms % 86400000, l.region, c.dims_uid,
    LEAST(SUM(l.requests), 1152921504606846976), LEAST(SUM(l.client_requests), 1152921504606846976),
    LEAST(SUM(CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END), 1152921504606846976),
    LEAST(SUM(CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END), 1152921504606846976),
    LEAST(SUM(l.input_tokens), 1152921504606846976), LEAST(SUM(l.cached_input_tokens), 1152921504606846976),
    LEAST(SUM(l.cache_write_tokens), 1152921504606846976),
    LEAST(SUM(l.cache_write_long_tokens), 1152921504606846976), LEAST(SUM(l.output_tokens), 1152921504606846976),
    LEAST(SUM(l.reasoning_tokens), 1152921504606846976),
    LEAST(SUM(COALESCE(l.cost_nano_usd, 0)), 1152921504606846976),
    LEAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END), 1152921504606846976),
    LEAST(SUM(l.charged_tokens), 1152921504606846976), LEAST(SUM(l.charged_nano_usd), 1152921504606846976),
    LEAST(SUM(COALESCE(l.first_byte_ms, 0)), 1152921504606846976),
    LEAST(SUM(CASE WHEN l.first_byte_ms IS NULL THEN 0 ELSE 1 END), 1152921504606846976),
    LEAST(SUM(COALESCE(l.total_ms, 0)), 1152921504606846976),
    LEAST(SUM(CASE WHEN l.total_ms IS NULL THEN 0 ELSE 1 END), 1152921504606846976)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid GROUP BY 1, 2, 3;

-- Of a day whose records are all there, the sums are those of the records; of any other they stay, within bounds. All are there
-- when they come to as many requests as were summed up, as far as that can be believed.
CREATE TABLE ledger_days (day_start_ms BIGINT NOT NULL, region TEXT NOT NULL, is_whole BIGINT NOT NULL,
    PRIMARY KEY (day_start_ms, region));
INSERT INTO ledger_days SELECT b.day_start_ms, b.region, CASE WHEN n.requests IS NOT NULL AND (b.sane = 0
    OR (b.requests = n.requests AND b.client_requests = n.client_requests)) THEN 1 ELSE 0 END
FROM (SELECT day_start_ms, region, SUM(requests) AS requests, SUM(client_requests) AS client_requests,
    MIN(CASE WHEN (requests BETWEEN 0 AND 9007199254740992) AND (client_requests BETWEEN 0 AND 9007199254740992) THEN 1 ELSE
        0 END) AS sane
    FROM usage_days_before GROUP BY day_start_ms, region) b
LEFT JOIN (SELECT day_start_ms, region, SUM(requests) AS requests, SUM(client_requests) AS client_requests
    FROM usage_days GROUP BY day_start_ms, region) n ON n.day_start_ms = b.day_start_ms AND n.region = b.region;

-- What is left of the other days without the records that are still there. Its operation is not known.
INSERT INTO usage_dims SELECT replace(CAST(gen_random_uuid() AS TEXT), '-', ''), x.region, x.kind, '', x.actor, x.user_id,
    '', '', x.credential_uid, x.version_uid,
    x.provider, x.model, x.source, '' FROM (SELECT DISTINCT b.region, b.kind, b.actor AS actor,
    b.user_id AS user_id, b.credential_uid, b.version_uid, b.provider AS provider,
    CASE WHEN octet_length(b.model) > 128 OR b.model COLLATE "C" ~ '[^ -~]' THEN '(other)' ELSE b.model END AS model,
    b.source FROM usage_days_before b JOIN ledger_days k ON k.day_start_ms = b.day_start_ms AND k.region = b.region
    WHERE k.is_whole = 0) x WHERE TRUE ON CONFLICT DO NOTHING;
CREATE TABLE ledger_rest (
    day_start_ms BIGINT NOT NULL,
    region TEXT NOT NULL,
    dims_uid TEXT NOT NULL,
    requests BIGINT NOT NULL,
    client_requests BIGINT NOT NULL,
    errors_client BIGINT NOT NULL,
    errors_provider BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    charged_tokens BIGINT NOT NULL,
    charged_nano_usd BIGINT NOT NULL,
    first_byte_ms_sum BIGINT NOT NULL,
    first_byte_count BIGINT NOT NULL,
    total_ms_sum BIGINT NOT NULL,
    total_count BIGINT NOT NULL,
    PRIMARY KEY (day_start_ms, region, dims_uid)
);
INSERT INTO ledger_rest SELECT b.day_start_ms, b.region, m.uid,
    LEAST(SUM(LEAST(GREATEST(b.requests, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.client_requests, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.errors, 0), 1152921504606846976)), 1152921504606846976), 0,
    LEAST(SUM(LEAST(GREATEST(b.input_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.cached_input_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.cache_write_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.cache_write_long_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.output_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.reasoning_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.cost_nano_usd, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.unpriced, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.charged_tokens, 0), 1152921504606846976)), 1152921504606846976),
    LEAST(SUM(LEAST(GREATEST(b.charged_nano_usd, 0), 1152921504606846976)), 1152921504606846976), 0, 0, 0, 0
FROM usage_days_before b JOIN ledger_days k ON k.day_start_ms = b.day_start_ms AND k.region = b.region
JOIN usage_dims m ON m.region = b.region AND m.kind = b.kind AND m.operation = '' AND m.actor = b.actor
    AND m.user_id = b.user_id AND m.credential_uid = b.credential_uid AND m.version_uid = b.version_uid
    AND m.provider = b.provider
    AND m.model = CASE WHEN octet_length(b.model) > 128 OR b.model COLLATE "C" ~ '[^ -~]' THEN '(other)' ELSE b.model END
    AND m.source = b.source WHERE k.is_whole = 0 GROUP BY 1, 2, 3;
UPDATE ledger_rest SET
    requests = GREATEST(0, ledger_rest.requests - p.requests),
    client_requests = GREATEST(0, ledger_rest.client_requests - p.client_requests),
    errors_client = GREATEST(0, ledger_rest.errors_client - p.errors_client),
    input_tokens = GREATEST(0, ledger_rest.input_tokens - p.input_tokens),
    cached_input_tokens = GREATEST(0, ledger_rest.cached_input_tokens - p.cached_input_tokens),
    cache_write_tokens = GREATEST(0, ledger_rest.cache_write_tokens - p.cache_write_tokens),
    cache_write_long_tokens = GREATEST(0, ledger_rest.cache_write_long_tokens - p.cache_write_long_tokens),
    output_tokens = GREATEST(0, ledger_rest.output_tokens - p.output_tokens),
    reasoning_tokens = GREATEST(0, ledger_rest.reasoning_tokens - p.reasoning_tokens),
    cost_nano_usd = GREATEST(0, ledger_rest.cost_nano_usd - p.cost_nano_usd),
    unpriced = GREATEST(0, ledger_rest.unpriced - p.unpriced),
    charged_tokens = GREATEST(0, ledger_rest.charged_tokens - p.charged_tokens),
    charged_nano_usd = GREATEST(0, ledger_rest.charged_nano_usd - p.charged_nano_usd)
FROM (SELECT d.day_start_ms, d.region, z.uid AS dims_uid,
    CAST(LEAST(SUM(d.requests), 1152921504606846976) AS BIGINT) AS requests,
    CAST(LEAST(SUM(d.client_requests), 1152921504606846976) AS BIGINT) AS client_requests,
    CAST(LEAST(SUM(d.errors_client + d.errors_provider), 1152921504606846976) AS BIGINT) AS errors_client,
    CAST(LEAST(SUM(d.input_tokens), 1152921504606846976) AS BIGINT) AS input_tokens,
    CAST(LEAST(SUM(d.cached_input_tokens), 1152921504606846976) AS BIGINT) AS cached_input_tokens,
    CAST(LEAST(SUM(d.cache_write_tokens), 1152921504606846976) AS BIGINT) AS cache_write_tokens,
    CAST(LEAST(SUM(d.cache_write_long_tokens), 1152921504606846976) AS BIGINT) AS cache_write_long_tokens,
    CAST(LEAST(SUM(d.output_tokens), 1152921504606846976) AS BIGINT) AS output_tokens,
    CAST(LEAST(SUM(d.reasoning_tokens), 1152921504606846976) AS BIGINT) AS reasoning_tokens,
    CAST(LEAST(SUM(d.cost_nano_usd), 1152921504606846976) AS BIGINT) AS cost_nano_usd,
    CAST(LEAST(SUM(d.unpriced), 1152921504606846976) AS BIGINT) AS unpriced,
    CAST(LEAST(SUM(d.charged_tokens), 1152921504606846976) AS BIGINT) AS charged_tokens,
    CAST(LEAST(SUM(d.charged_nano_usd), 1152921504606846976) AS BIGINT) AS charged_nano_usd
    FROM usage_days d JOIN ledger_days k ON k.day_start_ms = d.day_start_ms AND k.region = d.region AND k.is_whole = 0
    JOIN usage_dims m ON m.uid = d.dims_uid JOIN usage_dims z ON z.operation = '' AND z.region = m.region AND z.kind = m.kind
        AND z.actor = m.actor AND z.user_id = m.user_id AND z.credential_uid = m.credential_uid AND z.version_uid =
        m.version_uid AND z.provider = m.provider AND z.model = m.model AND z.source = m.source
    GROUP BY d.day_start_ms, d.region, z.uid) p
WHERE p.day_start_ms = ledger_rest.day_start_ms AND p.region = ledger_rest.region AND p.dims_uid = ledger_rest.dims_uid;
INSERT INTO usage_days SELECT * FROM ledger_rest WHERE requests + client_requests + errors_client + unpriced > 0
    OR input_tokens > 0 OR cached_input_tokens > 0 OR cache_write_tokens > 0
    OR cache_write_long_tokens > 0 OR output_tokens > 0 OR reasoning_tokens > 0
    OR cost_nano_usd > 0 OR charged_tokens > 0 OR charged_nano_usd > 0
ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET
    requests = LEAST(1152921504606846976, usage_days.requests + excluded.requests),
    client_requests = LEAST(1152921504606846976, usage_days.client_requests + excluded.client_requests),
    errors_client = LEAST(1152921504606846976, usage_days.errors_client + excluded.errors_client),
    errors_provider = LEAST(1152921504606846976, usage_days.errors_provider + excluded.errors_provider),
    input_tokens = LEAST(1152921504606846976, usage_days.input_tokens + excluded.input_tokens),
    cached_input_tokens = LEAST(1152921504606846976, usage_days.cached_input_tokens + excluded.cached_input_tokens),
    cache_write_tokens = LEAST(1152921504606846976, usage_days.cache_write_tokens + excluded.cache_write_tokens),
    cache_write_long_tokens = LEAST(1152921504606846976, usage_days.cache_write_long_tokens +
        excluded.cache_write_long_tokens),
    output_tokens = LEAST(1152921504606846976, usage_days.output_tokens + excluded.output_tokens),
    reasoning_tokens = LEAST(1152921504606846976, usage_days.reasoning_tokens + excluded.reasoning_tokens),
    cost_nano_usd = LEAST(1152921504606846976, usage_days.cost_nano_usd + excluded.cost_nano_usd),
    unpriced = LEAST(1152921504606846976, usage_days.unpriced + excluded.unpriced),
    charged_tokens = LEAST(1152921504606846976, usage_days.charged_tokens + excluded.charged_tokens),
    charged_nano_usd = LEAST(1152921504606846976, usage_days.charged_nano_usd + excluded.charged_nano_usd),
    first_byte_ms_sum = LEAST(1152921504606846976, usage_days.first_byte_ms_sum + excluded.first_byte_ms_sum),
    first_byte_count = LEAST(1152921504606846976, usage_days.first_byte_count + excluded.first_byte_count),
    total_ms_sum = LEAST(1152921504606846976, usage_days.total_ms_sum + excluded.total_ms_sum),
    total_count = LEAST(1152921504606846976, usage_days.total_count + excluded.total_count);
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

UPDATE counter_entries SET settled = LEAST(GREATEST(settled, -1152921504606846976), 1152921504606846976), adjusted =
    LEAST(GREATEST(adjusted, -1152921504606846976), 1152921504606846976)
WHERE settled NOT BETWEEN -1152921504606846976 AND 1152921504606846976 OR adjusted NOT BETWEEN -1152921504606846976 AND
    1152921504606846976;
UPDATE limits SET amount = LEAST(GREATEST(amount, 0), 1152921504606846976) WHERE amount NOT BETWEEN 0 AND 1152921504606846976;
UPDATE node_holds SET held = LEAST(GREATEST(held, 0), 1152921504606846976), leased = LEAST(GREATEST(leased, 0),
    1152921504606846976)
WHERE held NOT BETWEEN 0 AND 1152921504606846976 OR leased NOT BETWEEN 0 AND 1152921504606846976;
-- What was divided off for others.
ALTER TABLE counters ADD COLUMN carved BIGINT NOT NULL DEFAULT 0;

-- Counters that cannot be believed: themselves, or what a line charged them with. They are what their lines come to where all of
-- these are there, and full where not: what may have been spent is not given out again.
CREATE TABLE ledger_counters (
    subject_uid TEXT NOT NULL, unit TEXT NOT NULL, window_kind TEXT NOT NULL, window_start_ms BIGINT NOT NULL, region TEXT
        NOT NULL,
    -- Of a limit; empty for a credential.
    scope_kind TEXT NOT NULL, scope_uid TEXT NOT NULL, since_change BIGINT NOT NULL, from_ms BIGINT NOT NULL, until_ms BIGINT
        NOT NULL,
    is_odd BIGINT NOT NULL, recorded BIGINT NOT NULL,
    PRIMARY KEY (subject_uid, unit, window_kind, window_start_ms, region)
);
INSERT INTO ledger_counters SELECT n.subject_uid, n.unit, n.window_kind, n.window_start_ms, n.region,
    COALESCE(l.scope_kind, ''), COALESCE(l.scope_uid, ''), COALESCE(l.since_change, 0),
    CASE WHEN n.window_kind = 'prepaid' THEN COALESCE(l.created_at_ms, 0) ELSE n.window_start_ms END,
    CASE n.window_kind WHEN 'minute' THEN n.window_start_ms + 60000 WHEN 'hour' THEN n.window_start_ms + 3600000
        WHEN 'day' THEN n.window_start_ms + 86400000
        WHEN 'month' THEN CAST(EXTRACT(EPOCH FROM to_timestamp(n.window_start_ms / 1000) AT TIME ZONE 'UTC' + interval
        '1 month') * 1000 AS BIGINT)
        ELSE 9223372036854775807 END,
    CASE WHEN (n.settled BETWEEN 0 AND 1152921504606846976) AND (n.adjusted BETWEEN -1152921504606846976 AND
        1152921504606846976)
        THEN 0 ELSE 1 END, 0
FROM counters n LEFT JOIN limits l ON l.uid = n.subject_uid;
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
UPDATE ledger_counters SET recorded = COALESCE((SELECT CAST(LEAST(GREATEST(COALESCE(SUM(d.requests), 0),
    -1152921504606846976), 1152921504606846976) AS BIGINT)
    FROM usage_dims m JOIN usage_days d ON d.dims_uid = m.uid WHERE m.credential_uid = ledger_counters.subject_uid
    AND m.kind <> 'late' AND d.region = ledger_counters.region AND d.day_start_ms >= ledger_counters.window_start_ms
    AND d.day_start_ms < ledger_counters.until_ms), 0)
WHERE scope_kind = '';
UPDATE ledger_counters SET recorded = CASE WHEN EXISTS (SELECT 1 FROM ledger_days k WHERE k.is_whole = 0
    AND k.region = ledger_counters.region AND k.day_start_ms > ledger_counters.from_ms - 86400000
    AND k.day_start_ms < ledger_counters.until_ms) THEN -1 ELSE COALESCE((SELECT
    CAST(LEAST(GREATEST(COALESCE(SUM((CASE ledger_counters.unit WHEN 'tokens' THEN r.charged_tokens WHEN 'nano_usd' THEN
        r.charged_nano_usd ELSE CASE ledger_counters.scope_kind WHEN 'credential' THEN r.requests ELSE r.client_requests END
        END)), 0), -1152921504606846976), 1152921504606846976) AS BIGINT)
    FROM usage_lines r JOIN usage_contexts c ON c.uid = r.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
    WHERE r.region = ledger_counters.region AND m.kind <> 'late' AND r.generation >= ledger_counters.since_change
    AND r.at_ms >= ledger_counters.window_start_ms AND r.at_ms < ledger_counters.until_ms
    AND ((ledger_counters.scope_kind = 'credential' AND m.credential_uid = ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'token' AND m.actor = 'token:' || ledger_counters.scope_uid)
    OR (ledger_counters.scope_kind = 'user' AND m.user_id <> 0 AND CAST(m.user_id AS TEXT) = ledger_counters.scope_uid))), 0)
        END
WHERE scope_kind <> '';

UPDATE counters SET
    settled = CASE WHEN x.recorded < 0 THEN 1152921504606846976 ELSE GREATEST(0, LEAST(1152921504606846976, x.recorded +
        COALESCE((SELECT CAST(LEAST(GREATEST(COALESCE(SUM(e.settled), 0), -1152921504606846976), 1152921504606846976) AS
        BIGINT)
        FROM counter_entries e WHERE e.subject_uid = counters.subject_uid AND e.unit = counters.unit
        AND e.window_kind = counters.window_kind AND e.window_start_ms = counters.window_start_ms AND e.region =
        counters.region), 0))) END,
    adjusted = CASE WHEN x.recorded < 0 THEN 0 ELSE
        COALESCE((SELECT CAST(LEAST(GREATEST(COALESCE(SUM(e.adjusted), 0), -1152921504606846976), 1152921504606846976) AS
        BIGINT)
        FROM counter_entries e WHERE e.subject_uid = counters.subject_uid AND e.unit = counters.unit
        AND e.window_kind = counters.window_kind AND e.window_start_ms = counters.window_start_ms AND e.region =
        counters.region), 0) END
FROM ledger_counters x WHERE x.subject_uid = counters.subject_uid AND x.unit = counters.unit
    AND x.window_kind = counters.window_kind AND x.window_start_ms = counters.window_start_ms AND x.region = counters.region;
UPDATE counters SET
    held = COALESCE((SELECT CAST(LEAST(GREATEST(COALESCE(SUM(h.held), 0), -1152921504606846976), 1152921504606846976) AS
        BIGINT)
        FROM node_holds h WHERE h.subject_uid = counters.subject_uid AND h.unit = counters.unit
        AND h.window_kind = counters.window_kind AND h.window_start_ms = counters.window_start_ms AND h.region =
        counters.region), 0),
    leased = COALESCE((SELECT CAST(LEAST(GREATEST(COALESCE(SUM(h.leased), 0), -1152921504606846976), 1152921504606846976) AS
        BIGINT)
        FROM node_holds h WHERE h.subject_uid = counters.subject_uid AND h.unit = counters.unit
        AND h.window_kind = counters.window_kind AND h.window_start_ms = counters.window_start_ms AND h.region =
        counters.region), 0)
WHERE NOT ((held BETWEEN 0 AND 1152921504606846976) AND (leased BETWEEN 0 AND 1152921504606846976));
DROP TABLE ledger_counters;
DROP TABLE ledger_spoilt;
DROP TABLE ledger_days;

-- The token that made it, and the first one of that line; the team that pays; and what else it is bound to, as canonical JSON.
-- NULL for none.
ALTER TABLE tokens ADD COLUMN parent_id TEXT;
ALTER TABLE tokens ADD COLUMN root_id TEXT;
ALTER TABLE tokens ADD COLUMN team_uid TEXT;
ALTER TABLE tokens ADD COLUMN terms TEXT;
ANALYZE usage_lines;
ANALYZE usage_days;
ANALYZE usage_dims;
ANALYZE usage_contexts;
