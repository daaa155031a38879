-- Sessions of people in a browser, and the one-time codes that begin them: found by a hash of their secret, and under a MAC.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    -- token:ID, user:N or local:NAME.
    holder TEXT NOT NULL,
    is_shared BIGINT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL,
    address TEXT,
    agent TEXT,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL
);
CREATE INDEX sessions_holder ON sessions (holder);
CREATE INDEX sessions_end ON sessions (ends_at_ms);

CREATE TABLE login_codes (
    hash TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL
);
CREATE INDEX login_codes_end ON login_codes (until_ms);
