-- What was issued under a key until `before` is worth nothing. The key is a hash: it names nobody,
-- and so this table needs no tenant.
CREATE TABLE revocations (
    key     text PRIMARY KEY,
    before  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON revocations TO lro_api;
