-- All instants are milliseconds since the Unix epoch, UTC. Uids are 32 lower-case hex digits.

CREATE TABLE strongroom_meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE master_keys (
    fingerprint TEXT PRIMARY KEY,
    first_seen_ms BIGINT NOT NULL
);

CREATE TABLE encryption_keys (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    seal_count BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX encryption_keys_current ON encryption_keys (purpose) WHERE is_current;

CREATE TABLE key_wraps (
    key_id TEXT NOT NULL REFERENCES encryption_keys (id),
    master_fingerprint TEXT NOT NULL REFERENCES master_keys (fingerprint),
    wrapped TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (key_id, master_fingerprint)
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- A JSON array of credential uids, and one of providers; an empty one does not narrow.
    scope_credentials TEXT NOT NULL,
    scope_providers TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    hash_key_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    revoked_at_ms BIGINT
);

CREATE TABLE api_credentials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    endpoint TEXT,
    priority BIGINT NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_global BOOLEAN NOT NULL,
    user_id BIGINT REFERENCES users (id),
    revision BIGINT NOT NULL,
    version_uid TEXT NOT NULL,
    -- Over what is handed out, and to whom.
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    deleted_at_ms BIGINT
);
CREATE UNIQUE INDEX api_credentials_name ON api_credentials (name) WHERE deleted_at_ms IS NULL;
CREATE INDEX api_credentials_choice ON api_credentials (provider, priority, id) WHERE deleted_at_ms IS NULL;
CREATE INDEX api_credentials_provider ON api_credentials (provider, id) WHERE deleted_at_ms IS NULL;

CREATE TABLE credential_versions (
    uid TEXT PRIMARY KEY,
    credential_uid TEXT NOT NULL REFERENCES api_credentials (uid),
    number BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (credential_uid, number)
);

-- Where the values of a version live, each once: sealed here, or (later) a reference elsewhere or a token.
CREATE TABLE credential_values (
    version_uid TEXT NOT NULL REFERENCES credential_versions (uid),
    field TEXT NOT NULL,
    kind TEXT NOT NULL,
    key_id TEXT REFERENCES encryption_keys (id),
    value TEXT NOT NULL,
    fingerprint_key_id TEXT REFERENCES encryption_keys (id),
    fingerprint TEXT,
    PRIMARY KEY (version_uid, field)
);
CREATE INDEX credential_values_fingerprint ON credential_values (fingerprint);

CREATE TABLE limits (
    scope_kind TEXT NOT NULL,
    scope_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (scope_kind, scope_uid, unit, window_kind)
);

-- One row per subject, window and region; it is never reset in place.
CREATE TABLE counters (
    subject_uid TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start_ms BIGINT NOT NULL,
    region TEXT NOT NULL,
    settled BIGINT NOT NULL,
    held BIGINT NOT NULL,
    adjusted BIGINT NOT NULL,
    last_used_ms BIGINT,
    PRIMARY KEY (subject_uid, unit, window_kind, window_start_ms, region)
);

-- What the counters are the sum of.
CREATE TABLE usage_records (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    window_start_ms BIGINT NOT NULL,
    -- read, recorded, imported, or reset.
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id BIGINT,
    credential_uid TEXT,
    version_uid TEXT,
    provider TEXT NOT NULL,
    source TEXT NOT NULL,
    -- Added to settled, and to adjusted.
    requests BIGINT NOT NULL,
    adjustment BIGINT NOT NULL
);
CREATE INDEX usage_records_credential ON usage_records (credential_uid, at_ms);

CREATE TABLE audit_logs (
    chain_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    uid TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT,
    remote_address TEXT,
    key_id TEXT NOT NULL,
    link TEXT NOT NULL,
    PRIMARY KEY (chain_id, seq)
);
CREATE INDEX audit_logs_target ON audit_logs (target_name, seq);
CREATE INDEX audit_logs_actor ON audit_logs (actor, seq);
CREATE INDEX audit_logs_at ON audit_logs (at_ms);

CREATE TABLE audit_heads (
    chain_id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    link TEXT NOT NULL,
    key_id TEXT NOT NULL,
    mac TEXT NOT NULL
);

CREATE TABLE idempotency_keys (
    actor TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (actor, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at_ms);
