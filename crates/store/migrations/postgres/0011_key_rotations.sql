-- Every start asks the trail which data key is current, and must not go through all of it for that.
CREATE INDEX audit_logs_key_rotations ON audit_logs (chain_id, seq) WHERE action = 'key.rotate';
