-- Until when a token works that somebody has to prolong again and again; that it is such a one is under its MAC.
ALTER TABLE tokens ADD COLUMN leased_until_ms BIGINT;
