-- All instants are milliseconds since the Unix epoch, UTC. Amounts of money are billionths of a US dollar.
--
-- Roll-ups of usage: see docs/adr/0023. No sum that is stored exceeds 2^60.

-- What is asked of one token, or of one user.
CREATE INDEX usage_dims_actor ON usage_dims (actor);
CREATE INDEX usage_dims_user ON usage_dims (user_id);

-- Records of five minutes, by what there are few of; written with them, kept for three days and then added to their hour.
CREATE TABLE usage_5m (
    start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    -- Servers write to rows of their own, as far as there are enough: none waits for another.
    shard INTEGER NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    -- The first digit of the HTTP status; 0 when there was none.
    status_class INTEGER NOT NULL,
    records INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    -- From the first byte to the end, of answers that have both.
    streamed_ms_sum INTEGER NOT NULL,
    -- How many took how long, in twelve classes each.
    first_byte_0 INTEGER NOT NULL,
    first_byte_1 INTEGER NOT NULL,
    first_byte_2 INTEGER NOT NULL,
    first_byte_3 INTEGER NOT NULL,
    first_byte_4 INTEGER NOT NULL,
    first_byte_5 INTEGER NOT NULL,
    first_byte_6 INTEGER NOT NULL,
    first_byte_7 INTEGER NOT NULL,
    first_byte_8 INTEGER NOT NULL,
    first_byte_9 INTEGER NOT NULL,
    first_byte_10 INTEGER NOT NULL,
    first_byte_11 INTEGER NOT NULL,
    total_0 INTEGER NOT NULL,
    total_1 INTEGER NOT NULL,
    total_2 INTEGER NOT NULL,
    total_3 INTEGER NOT NULL,
    total_4 INTEGER NOT NULL,
    total_5 INTEGER NOT NULL,
    total_6 INTEGER NOT NULL,
    total_7 INTEGER NOT NULL,
    total_8 INTEGER NOT NULL,
    total_9 INTEGER NOT NULL,
    total_10 INTEGER NOT NULL,
    total_11 INTEGER NOT NULL,
    PRIMARY KEY (start_ms, region, shard, kind, provider, model, source, status_class)
) STRICT, WITHOUT ROWID;

-- The same by hour.
CREATE TABLE usage_hours (
    start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    status_class INTEGER NOT NULL,
    records INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    streamed_ms_sum INTEGER NOT NULL,
    first_byte_0 INTEGER NOT NULL,
    first_byte_1 INTEGER NOT NULL,
    first_byte_2 INTEGER NOT NULL,
    first_byte_3 INTEGER NOT NULL,
    first_byte_4 INTEGER NOT NULL,
    first_byte_5 INTEGER NOT NULL,
    first_byte_6 INTEGER NOT NULL,
    first_byte_7 INTEGER NOT NULL,
    first_byte_8 INTEGER NOT NULL,
    first_byte_9 INTEGER NOT NULL,
    first_byte_10 INTEGER NOT NULL,
    first_byte_11 INTEGER NOT NULL,
    total_0 INTEGER NOT NULL,
    total_1 INTEGER NOT NULL,
    total_2 INTEGER NOT NULL,
    total_3 INTEGER NOT NULL,
    total_4 INTEGER NOT NULL,
    total_5 INTEGER NOT NULL,
    total_6 INTEGER NOT NULL,
    total_7 INTEGER NOT NULL,
    total_8 INTEGER NOT NULL,
    total_9 INTEGER NOT NULL,
    total_10 INTEGER NOT NULL,
    total_11 INTEGER NOT NULL,
    PRIMARY KEY (start_ms, region, kind, provider, model, source, status_class)
) STRICT, WITHOUT ROWID;

-- All that is in the ledger so far.
INSERT INTO usage_hours SELECT l.at_ms - l.at_ms % 3600000, l.region, m.kind, m.provider, m.model, m.source,
    CASE WHEN c.status = 0 THEN 0 WHEN c.status < 200 THEN 1 WHEN c.status >= 600 THEN 6 ELSE c.status / 100 END,
    CAST(COUNT(*) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.requests) >> 30) * 1073741824 + SUM((l.requests) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.client_requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.client_requests) >> 30) * 1073741824 + SUM((l.client_requests) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.input_tokens) >> 30) * 1073741824 + SUM((l.input_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.cached_input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cached_input_tokens) >> 30) * 1073741824 + SUM((l.cached_input_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) * 1073741824 + SUM((l.cache_write_tokens + l.cache_write_long_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.output_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.output_tokens) >> 30) * 1073741824 + SUM((l.output_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.reasoning_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.reasoning_tokens) >> 30) * 1073741824 + SUM((l.reasoning_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.cost_nano_usd, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.first_byte_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.first_byte_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.first_byte_ms, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(COUNT(l.first_byte_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.total_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.total_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.total_ms, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(COUNT(l.total_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((CASE WHEN l.total_ms > l.first_byte_ms THEN l.total_ms - l.first_byte_ms ELSE 0 END) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((CASE WHEN l.total_ms > l.first_byte_ms THEN l.total_ms - l.first_byte_ms ELSE 0 END) >> 30) * 1073741824 + SUM((CASE WHEN l.total_ms > l.first_byte_ms THEN l.total_ms - l.first_byte_ms ELSE 0 END) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms < 50 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 50 AND l.first_byte_ms < 100 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 100 AND l.first_byte_ms < 200 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 200 AND l.first_byte_ms < 350 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 350 AND l.first_byte_ms < 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 500 AND l.first_byte_ms < 750 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 750 AND l.first_byte_ms < 1000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 1000 AND l.first_byte_ms < 2000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 2000 AND l.first_byte_ms < 4000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 4000 AND l.first_byte_ms < 8000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 8000 AND l.first_byte_ms < 16000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.first_byte_ms >= 16000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms < 250 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 250 AND l.total_ms < 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 500 AND l.total_ms < 1000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 1000 AND l.total_ms < 2000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 2000 AND l.total_ms < 4000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 4000 AND l.total_ms < 8000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 8000 AND l.total_ms < 15000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 15000 AND l.total_ms < 30000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 30000 AND l.total_ms < 60000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 60000 AND l.total_ms < 120000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 120000 AND l.total_ms < 300000 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN l.total_ms >= 300000 THEN 1 ELSE 0 END) AS INTEGER)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- How often each day was written to; servers write to rows of their own, as those of usage_5m.
CREATE TABLE usage_day_writes (
    region TEXT NOT NULL,
    day_start_ms INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    PRIMARY KEY (region, day_start_ms, shard)
) STRICT, WITHOUT ROWID;

-- Days of which the roll-ups below are made, and after how many writes; -2 when all is made again from the start: then
-- nothing has grown.
CREATE TABLE usage_marks (
    region TEXT NOT NULL,
    day_start_ms INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    refreshed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (region, day_start_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_marks SELECT DISTINCT region, day_start_ms, -2, 0 FROM usage_days;

-- Days by what there are few of; kept for ever.
CREATE TABLE usage_days_mix (
    day_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (day_start_ms, region, kind, provider, model, source)
) STRICT, WITHOUT ROWID;

-- Days by one subject; kept for ever.
CREATE TABLE usage_subject_days (
    -- credential, token, actor, user, team or tag; and which: a uid, an id, KIND:ID, a number, a uid, or KEY=VALUE. Empty for
    -- uses without one.
    dim TEXT NOT NULL,
    subject TEXT NOT NULL,
    day_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (dim, subject, day_start_ms, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_subject_days_day ON usage_subject_days (dim, day_start_ms);

-- By how much they grew from one look to the next, booked to the hour of the look; kept for 35 days.
CREATE TABLE usage_subject_hours (
    dim TEXT NOT NULL,
    subject TEXT NOT NULL,
    hour_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (dim, subject, hour_start_ms, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_subject_hours_hour ON usage_subject_hours (dim, hour_start_ms);
-- Of the last 35 days by the hours of their records: later ones are booked to the hour in which a job looked.
INSERT INTO usage_subject_hours SELECT 'credential', m.credential_uid, l.at_ms - l.at_ms % 3600000, l.region,
    CAST(COALESCE(CASE WHEN SUM((l.requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.requests) >> 30) * 1073741824 + SUM((l.requests) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.client_requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.client_requests) >> 30) * 1073741824 + SUM((l.client_requests) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.input_tokens) >> 30) * 1073741824 + SUM((l.input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cached_input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cached_input_tokens) >> 30) * 1073741824 + SUM((l.cached_input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) * 1073741824 + SUM((l.cache_write_tokens + l.cache_write_long_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.output_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.output_tokens) >> 30) * 1073741824 + SUM((l.output_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.reasoning_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.reasoning_tokens) >> 30) * 1073741824 + SUM((l.reasoning_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.cost_nano_usd, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.first_byte_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.first_byte_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.first_byte_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.first_byte_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.total_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.total_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.total_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.total_ms) AS INTEGER)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
WHERE l.uid >= printf('%012x', MAX(COALESCE((SELECT MAX(day_start_ms) FROM usage_days), 0) - 2937600000, 0)) GROUP BY 2, 3, 4;
INSERT INTO usage_subject_hours SELECT 'token', SUBSTR(m.actor, 7), l.at_ms - l.at_ms % 3600000, l.region,
    CAST(COALESCE(CASE WHEN SUM((l.requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.requests) >> 30) * 1073741824 + SUM((l.requests) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.client_requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.client_requests) >> 30) * 1073741824 + SUM((l.client_requests) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.input_tokens) >> 30) * 1073741824 + SUM((l.input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cached_input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cached_input_tokens) >> 30) * 1073741824 + SUM((l.cached_input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) * 1073741824 + SUM((l.cache_write_tokens + l.cache_write_long_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.output_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.output_tokens) >> 30) * 1073741824 + SUM((l.output_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.reasoning_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.reasoning_tokens) >> 30) * 1073741824 + SUM((l.reasoning_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.cost_nano_usd, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.first_byte_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.first_byte_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.first_byte_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.first_byte_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.total_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.total_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.total_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.total_ms) AS INTEGER)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
WHERE l.uid >= printf('%012x', MAX(COALESCE((SELECT MAX(day_start_ms) FROM usage_days), 0) - 2937600000, 0)) AND m.actor LIKE 'token:%' GROUP BY 2, 3, 4;
INSERT INTO usage_subject_hours SELECT 'actor', m.actor, l.at_ms - l.at_ms % 3600000, l.region,
    CAST(COALESCE(CASE WHEN SUM((l.requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.requests) >> 30) * 1073741824 + SUM((l.requests) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.client_requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.client_requests) >> 30) * 1073741824 + SUM((l.client_requests) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.input_tokens) >> 30) * 1073741824 + SUM((l.input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cached_input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cached_input_tokens) >> 30) * 1073741824 + SUM((l.cached_input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) * 1073741824 + SUM((l.cache_write_tokens + l.cache_write_long_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.output_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.output_tokens) >> 30) * 1073741824 + SUM((l.output_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.reasoning_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.reasoning_tokens) >> 30) * 1073741824 + SUM((l.reasoning_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.cost_nano_usd, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.first_byte_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.first_byte_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.first_byte_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.first_byte_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.total_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.total_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.total_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.total_ms) AS INTEGER)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
WHERE l.uid >= printf('%012x', MAX(COALESCE((SELECT MAX(day_start_ms) FROM usage_days), 0) - 2937600000, 0)) GROUP BY 2, 3, 4;
INSERT INTO usage_subject_hours SELECT 'user', CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END, l.at_ms - l.at_ms % 3600000, l.region,
    CAST(COALESCE(CASE WHEN SUM((l.requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.requests) >> 30) * 1073741824 + SUM((l.requests) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.client_requests) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.client_requests) >> 30) * 1073741824 + SUM((l.client_requests) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN c.status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(SUM(CASE WHEN c.status = 0 OR c.status >= 500 THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.input_tokens) >> 30) * 1073741824 + SUM((l.input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cached_input_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cached_input_tokens) >> 30) * 1073741824 + SUM((l.cached_input_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.cache_write_tokens + l.cache_write_long_tokens) >> 30) * 1073741824 + SUM((l.cache_write_tokens + l.cache_write_long_tokens) & 1073741823) END, 0) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((l.output_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.output_tokens) >> 30) * 1073741824 + SUM((l.output_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((l.reasoning_tokens) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((l.reasoning_tokens) >> 30) * 1073741824 + SUM((l.reasoning_tokens) & 1073741823) END, 0) AS INTEGER), CAST(COALESCE(CASE WHEN SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.cost_nano_usd, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.cost_nano_usd, 0)) & 1073741823) END, 0) AS INTEGER),
    CAST(SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.first_byte_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.first_byte_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.first_byte_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.first_byte_ms) AS INTEGER),
    CAST(COALESCE(CASE WHEN SUM((COALESCE(l.total_ms, 0)) >> 30) >= 1073741824 THEN 1152921504606846976 ELSE SUM((COALESCE(l.total_ms, 0)) >> 30) * 1073741824 + SUM((COALESCE(l.total_ms, 0)) & 1073741823) END, 0) AS INTEGER), CAST(COUNT(l.total_ms) AS INTEGER)
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid
WHERE l.uid >= printf('%012x', MAX(COALESCE((SELECT MAX(day_start_ms) FROM usage_days), 0) - 2937600000, 0)) GROUP BY 2, 3, 4;

-- Their sums by month; kept for ever.
CREATE TABLE usage_subject_months (
    dim TEXT NOT NULL,
    subject TEXT NOT NULL,
    month_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    requests INTEGER NOT NULL,
    client_requests INTEGER NOT NULL,
    errors_client INTEGER NOT NULL,
    errors_provider INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    first_byte_ms_sum INTEGER NOT NULL,
    first_byte_count INTEGER NOT NULL,
    total_ms_sum INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    PRIMARY KEY (dim, subject, month_start_ms, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_subject_months_cost ON usage_subject_months (dim, month_start_ms, cost_nano_usd);

-- The dearest subjects of the last time, by rank.
CREATE TABLE usage_tops (
    -- 24h, 7d or 30d.
    period TEXT NOT NULL,
    dim TEXT NOT NULL,
    place INTEGER NOT NULL,
    subject TEXT NOT NULL,
    client_requests INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL,
    PRIMARY KEY (period, dim, place)
) STRICT, WITHOUT ROWID;

-- Where limits stood, by the minute for two days and then by the hour; only those that moved.
CREATE TABLE limit_samples (
    limit_uid TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    amount INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    adjusted INTEGER NOT NULL,
    -- By calls under way, and taken ahead by servers.
    held INTEGER NOT NULL,
    carved INTEGER NOT NULL,
    -- Calls that it refused in this window so far.
    refused INTEGER NOT NULL,
    PRIMARY KEY (limit_uid, window_start_ms, at_ms, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX limit_samples_at ON limit_samples (at_ms);

-- Calls that limits refused, by five minutes.
CREATE TABLE limit_refusals (
    limit_uid TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    slot_start_ms INTEGER NOT NULL,
    region TEXT NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (limit_uid, window_start_ms, slot_start_ms, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX limit_refusals_slot ON limit_refusals (slot_start_ms);

-- What each server knows against a credential's version: the answer of its provider, and until when others are tried before it.
CREATE TABLE credential_health (
    credential_uid TEXT NOT NULL,
    node_uid TEXT NOT NULL,
    region TEXT NOT NULL,
    version_uid TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (credential_uid, node_uid)
) STRICT, WITHOUT ROWID;

-- What became of it: each change from one state to another, as one server saw it.
CREATE TABLE credential_transitions (
    uid TEXT PRIMARY KEY,
    credential_uid TEXT NOT NULL,
    version_uid TEXT NOT NULL,
    node_uid TEXT NOT NULL,
    region TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    before TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_transitions_of ON credential_transitions (credential_uid, at_ms);

-- What the uses of a credential are booked to, as JSON; empty for nothing.
ALTER TABLE api_credentials ADD COLUMN tags TEXT NOT NULL DEFAULT '';

-- Limits by pages, the oldest first.
CREATE INDEX limits_created ON limits (created_at_ms, uid);
