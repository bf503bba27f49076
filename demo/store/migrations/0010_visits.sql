-- which hosts a tenant's tasks read, and when last: what one of them may ask of the world is bounded
CREATE TABLE visits (
    tenant  text NOT NULL,
    host    text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, host)
);
GRANT SELECT, INSERT, UPDATE ON visits TO lro_worker;
GRANT SELECT, DELETE ON visits TO lro_retention;
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY every ON visits TO lro_worker, lro_retention USING (true);
