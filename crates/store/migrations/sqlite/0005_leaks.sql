-- A credential whose key has leaked, or may have: nobody is served from it until it is thawed. Under the MAC of the row.
ALTER TABLE api_credentials ADD COLUMN frozen_at_ms BIGINT;
