-- Every read of a key adds an entry, and with it a place in three more trees. Lists of the trail go through it in its own order:
-- SQLite plans a statement before it knows which of its filters are given, and used none of the three for them. Two rare
-- questions did use one: the addresses in a leak report, which go through the trail from here on, and the imports below.
DROP INDEX audit_logs_target;
DROP INDEX audit_logs_actor;
DROP INDEX audit_logs_at;
-- Which credentials came out of `.env` files.
CREATE INDEX audit_logs_imports ON audit_logs (target_name, seq) WHERE action = 'credential.import';
