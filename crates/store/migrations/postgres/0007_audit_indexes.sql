-- PostgreSQL plans a statement by the filters that are given and uses the indexes of `audit_logs`: they stay. This one adds what
-- SQLite has instead of them.
CREATE INDEX audit_logs_imports ON audit_logs (target_name, seq) WHERE action = 'credential.import';
