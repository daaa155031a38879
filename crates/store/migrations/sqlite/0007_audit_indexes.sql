-- Every read of a key adds an entry, and its places in three more trees cost more than the entry itself. The questions that are
-- asked of the trail go through it in its own order: SQLite plans a statement before it knows which of its filters are
-- given, and so used none of the three for them.
DROP INDEX audit_logs_target;
DROP INDEX audit_logs_actor;
DROP INDEX audit_logs_at;
-- Which credentials came out of `.env` files.
CREATE INDEX audit_logs_imports ON audit_logs (target_name, seq) WHERE action = 'credential.import';
