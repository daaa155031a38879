-- What the program may do in a PostgreSQL database, after `strongroom migrate` has made the tables as their owner.
-- Run it as that owner, once and again after every upgrade that brought new tables; a second run changes nothing:
--   psql "$OWNER_URL" --set ON_ERROR_STOP=1 --set app=strongroom_app --file docs/postgres-grants.sql

BEGIN;

-- Nobody else, whoever made the tables and however: not even reading.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"app";
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, :"app";
GRANT USAGE ON SCHEMA public TO :"app";

-- The schema's version is read, and changed by `strongroom migrate` alone.
GRANT SELECT ON _sqlx_migrations TO :"app";

-- The audit trail is only ever added to: no entry can be changed or taken away. The head moves with every entry.
GRANT SELECT, INSERT ON audit_logs TO :"app";
GRANT SELECT, INSERT, UPDATE ON audit_heads TO :"app";

-- What spending is the sum of is only ever added to as well; the single records go when their time is over, their sums stay.
GRANT SELECT, INSERT ON counter_entries TO :"app";
GRANT SELECT, INSERT, DELETE, UPDATE (cost_nano_usd) ON usage_lines TO :"app";
GRANT SELECT, INSERT ON usage_contexts, usage_dims, tag_sets TO :"app";
-- The records lie in partitions, one a day, which nobody uses but through the table. The server makes and drops them by these.
REVOKE ALL ON FUNCTION usage_lines_make_partitions(BIGINT, INTEGER), usage_lines_drop_partition(BIGINT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usage_lines_make_partitions(BIGINT, INTEGER), usage_lines_drop_partition(BIGINT) TO :"app";
GRANT SELECT ON usage_records TO :"app";
GRANT SELECT, INSERT, UPDATE ON usage_days TO :"app";
-- Roll-ups of usage, which are made again from the above; and where limits and credentials stood, until it is long ago.
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_5m, usage_hours, usage_day_writes, usage_marks, usage_days_mix TO :"app";
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_subject_days, usage_subject_hours, usage_subject_months TO :"app";
GRANT SELECT, INSERT, DELETE ON usage_tops TO :"app";
GRANT SELECT, INSERT, UPDATE, DELETE ON limit_samples, limit_refusals, credential_health TO :"app";
GRANT SELECT, INSERT, DELETE ON credential_transitions TO :"app";
-- Counters of minutes, hours and days that are long over go as well.
GRANT SELECT, INSERT, UPDATE, DELETE ON counters TO :"app";
-- What servers hold for calls under way.
GRANT SELECT, INSERT, UPDATE, DELETE ON nodes, node_holds TO :"app";
GRANT SELECT, UPDATE ON changes TO :"app";
-- What was changed, for as long as servers may have to hear of it; and which server does which job.
GRANT SELECT, INSERT, DELETE ON change_log TO :"app";
GRANT SELECT, INSERT, UPDATE ON job_leases TO :"app";

GRANT SELECT, INSERT, UPDATE, DELETE ON api_credentials TO :"app";
-- Ids that `strongroom import legacy` keeps have to be skipped by the ones that are given out.
GRANT USAGE, UPDATE ON SEQUENCE api_credentials_id_seq TO :"app";
GRANT SELECT, INSERT, UPDATE ON credential_versions, credential_values TO :"app";
GRANT SELECT, INSERT, UPDATE, DELETE ON version_drains TO :"app";
GRANT SELECT, INSERT ON credential_reminders TO :"app";
GRANT SELECT, INSERT, UPDATE, DELETE ON limits TO :"app";

-- A master that was replaced goes with what is wrapped under it; the rows of the masters are locked for that.
GRANT SELECT, INSERT, UPDATE, DELETE ON master_keys TO :"app";
GRANT SELECT, INSERT, DELETE ON key_wraps TO :"app";
-- It remembers the highest id that a user ever had.
GRANT SELECT, INSERT, UPDATE ON strongroom_meta TO :"app";
GRANT SELECT, INSERT, UPDATE ON encryption_keys, key_rotations TO :"app";
-- Which process holds which master key.
GRANT SELECT, INSERT, UPDATE, DELETE ON key_holders TO :"app";

GRANT SELECT, INSERT, UPDATE, DELETE ON users TO :"app";
GRANT SELECT, INSERT, UPDATE ON tokens TO :"app";
GRANT SELECT, INSERT, DELETE ON idempotency_keys TO :"app";
-- Who is signed in with a browser, and how one begins.
GRANT SELECT, INSERT, DELETE, UPDATE (seen_at_ms) ON sessions TO :"app";
GRANT SELECT, INSERT, DELETE ON login_codes TO :"app";
-- What people are told of, and by whom. What is long over goes.
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_incidents, alert_deliveries TO :"app";
GRANT SELECT, INSERT, UPDATE ON alert_states, alert_silences TO :"app";
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_channels, alert_channel_values, alert_rules TO :"app";
GRANT SELECT, INSERT, DELETE ON alert_routes TO :"app";
-- From where somebody was shown keys, for 90 days.
GRANT SELECT, INSERT, UPDATE, DELETE ON reveal_places TO :"app";

COMMIT;
