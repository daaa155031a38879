-- Alerts: what people are told of, whom they are told by, and how far that is.

-- What a rule has seen, as uids, figures and words of ours: nothing that a caller wrote.
CREATE TABLE alert_incidents (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    rule TEXT NOT NULL,
    -- counter, credential, node, channel or user.
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- Which of the rule's lines: percent of a limit, days before an expiry.
    mark INTEGER NOT NULL,
    window_start_ms INTEGER NOT NULL,
    -- Moves when it may fire again.
    episode INTEGER NOT NULL,
    level TEXT NOT NULL,
    unit TEXT,
    window_kind TEXT,
    value INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    peak INTEGER NOT NULL,
    fired_at_ms INTEGER NOT NULL,
    -- One that was crossed by the same jump and tells of this one as well.
    passed_by TEXT,
    fanned_out_at_ms INTEGER,
    -- Covered by a silence since it was to be told.
    masked_at_ms INTEGER,
    told_at_ms INTEGER,
    reminders INTEGER NOT NULL,
    acknowledged_at_ms INTEGER,
    acknowledged_by TEXT,
    note TEXT,
    resolved_at_ms INTEGER,
    cause TEXT,
    resolution_told_at_ms INTEGER,
    UNIQUE (region, rule, subject_kind, subject_id, mark, window_start_ms, episode)
) STRICT;
CREATE INDEX alert_incidents_fired ON alert_incidents (fired_at_ms);
CREATE INDEX alert_incidents_open ON alert_incidents (rule) WHERE resolved_at_ms IS NULL;
CREATE INDEX alert_incidents_untold ON alert_incidents (fired_at_ms) WHERE fanned_out_at_ms IS NULL;
CREATE INDEX alert_incidents_passed ON alert_incidents (passed_by) WHERE passed_by IS NOT NULL;
CREATE INDEX alert_incidents_resolved ON alert_incidents (resolved_at_ms);
CREATE INDEX alert_incidents_over ON alert_incidents (resolved_at_ms) WHERE resolution_told_at_ms IS NULL;

-- Where a condition stands, so that another server goes on from there.
CREATE TABLE alert_states (
    region TEXT NOT NULL,
    rule TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    mark INTEGER NOT NULL,
    phase TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    PRIMARY KEY (region, rule, subject_kind, subject_id, mark)
) STRICT;

-- A notice of an incident to a channel. Notices that go out together are one message.
CREATE TABLE alert_deliveries (
    uid TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    incident_uid TEXT NOT NULL,
    channel_uid TEXT NOT NULL,
    notice TEXT NOT NULL,
    rule TEXT NOT NULL,
    level TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    message_uid TEXT,
    attempts INTEGER NOT NULL,
    -- The attempt under way; what it brings counts only while it is this one.
    claimed_by TEXT,
    claimed_until_ms INTEGER,
    delivered_at_ms INTEGER,
    dead_at_ms INTEGER,
    last_error TEXT,
    UNIQUE (incident_uid, channel_uid, notice)
) STRICT;
CREATE INDEX alert_deliveries_due ON alert_deliveries (channel_uid, not_before_ms)
    WHERE delivered_at_ms IS NULL AND dead_at_ms IS NULL;
CREATE INDEX alert_deliveries_message ON alert_deliveries (message_uid);
CREATE INDEX alert_deliveries_pace ON alert_deliveries (channel_uid, not_before_ms);

CREATE TABLE alert_channels (
    uid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    disabled_at_ms INTEGER,
    disabled_reason TEXT,
    -- As much of its address as may be shown.
    shown TEXT NOT NULL,
    -- Settings that are no secrets, as JSON.
    settings TEXT NOT NULL,
    mac_key_id TEXT NOT NULL,
    mac TEXT NOT NULL,
    dead_in_a_row INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
) STRICT;

-- Addresses and secrets of channels, sealed.
CREATE TABLE alert_channel_values (
    channel_uid TEXT NOT NULL REFERENCES alert_channels (uid) ON DELETE CASCADE,
    -- address, secret or previous_secret.
    field TEXT NOT NULL,
    key_id TEXT NOT NULL,
    value TEXT NOT NULL,
    until_ms INTEGER,
    PRIMARY KEY (channel_uid, field)
) STRICT;
CREATE INDEX alert_channel_values_key ON alert_channel_values (key_id);

-- Where a rule differs from what it is by itself: thresholds of a limit, or of all limits of somebody.
CREATE TABLE alert_rules (
    uid TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    -- all, limit, credential, token or user.
    scope_kind TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    -- Percentages, separated by commas; none tells nobody.
    thresholds TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    UNIQUE (rule, scope_kind, scope_id)
) STRICT;

CREATE TABLE alert_silences (
    uid TEXT PRIMARY KEY,
    rule TEXT,
    subject_kind TEXT,
    subject_id TEXT,
    up_to_level TEXT,
    from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    ended_at_ms INTEGER
) STRICT;
CREATE INDEX alert_silences_end ON alert_silences (until_ms);

CREATE TABLE alert_routes (
    position INTEGER PRIMARY KEY,
    rule TEXT,
    from_level TEXT,
    provider TEXT,
    -- Names of channels, separated by commas.
    channels TEXT NOT NULL,
    quiet TEXT,
    -- 1 if the routes behind it are asked as well.
    goes_on INTEGER NOT NULL
) STRICT;
