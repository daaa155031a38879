-- A line of the ledger is written for every call: what lines have in common stands once, in their context.
CREATE TABLE usage_contexts (
    -- Made from all the rest, so that servers agree on it without asking each other.
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
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
    metering TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO usage_contexts SELECT lower(hex(randomblob(16))), * FROM (SELECT DISTINCT region, kind, operation, actor, user_id,
    credential_uid, version_uid, provider, model, source, status, metering FROM usage_records);

-- One row per use of a key. The uid begins with the instant (RFC 9562, section 5.7), so that its order is that of time.
CREATE TABLE usage_lines (
    uid TEXT PRIMARY KEY,
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
) WITHOUT ROWID;
INSERT INTO usage_lines SELECT r.uid, c.uid, r.at_ms, r.requests, r.client_requests, r.input_tokens, r.cached_input_tokens,
    r.cache_write_tokens, r.cache_write_long_tokens, r.output_tokens, r.reasoning_tokens, r.cost_nano_usd, r.charged_tokens,
    r.charged_nano_usd, r.generation, r.first_byte_ms, r.total_ms, r.raw_usage, r.request_id
FROM usage_records r JOIN usage_contexts c ON c.region = r.region AND c.kind = r.kind AND c.operation = r.operation
    AND c.actor = r.actor AND c.user_id IS r.user_id AND c.credential_uid IS r.credential_uid
    AND c.version_uid IS r.version_uid AND c.provider = r.provider AND c.model = r.model AND c.source = r.source
    AND c.status = r.status AND c.metering = r.metering;
DROP TABLE usage_records;

-- The ledger as people read it.
CREATE VIEW usage_records AS SELECT l.uid, c.region, l.at_ms, c.kind, c.operation, c.actor, c.user_id, c.credential_uid,
    c.version_uid, c.provider, c.model, c.source, c.status, l.requests, l.client_requests, l.input_tokens,
    l.cached_input_tokens, l.cache_write_tokens, l.cache_write_long_tokens, l.output_tokens, l.reasoning_tokens,
    l.cost_nano_usd, l.charged_tokens, l.charged_nano_usd, c.metering, l.generation, l.first_byte_ms, l.total_ms,
    l.raw_usage, l.request_id
FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid;
