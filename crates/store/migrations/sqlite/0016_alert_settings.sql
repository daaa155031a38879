-- Settings of rules other than thresholds of limits, such as `usd=50 times=5`; empty for what a rule is by itself.
ALTER TABLE alert_rules ADD COLUMN settings TEXT NOT NULL DEFAULT '';

-- From which networks and browsers somebody was shown keys, and when: what is new there is told.
CREATE TABLE reveal_places (
    actor TEXT NOT NULL,
    -- network, agent or time.
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    seen_at_ms INTEGER NOT NULL,
    PRIMARY KEY (actor, kind, value)
) STRICT;
CREATE INDEX reveal_places_seen ON reveal_places (seen_at_ms);
