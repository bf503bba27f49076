-- --8<-- [start:uploads]
CREATE TABLE uploads (
    id       uuid PRIMARY KEY,
    tenant   text NOT NULL,
    size     bigint NOT NULL CHECK (size > 0),
    sha256   text,                                 -- as the client declared it
    etag     text,                                 -- of the blob when it was complete: it stays so
    created  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires  timestamptz NOT NULL
);
CREATE INDEX uploads_expiring ON uploads (expires);
CREATE INDEX uploads_counted ON uploads (tenant);
CREATE INDEX tasks_using ON tasks ((input->>'upload'))
    WHERE input ? 'upload' AND status IN ('queued', 'running', 'canceling');

GRANT SELECT, INSERT, UPDATE ON uploads TO lro_api;
GRANT SELECT ON uploads TO lro_worker;
GRANT SELECT, DELETE, UPDATE ON uploads TO lro_retention;
ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON uploads TO lro_api USING (tenant = current_setting('app.tenant', true));
CREATE POLICY every ON uploads TO lro_worker, lro_retention USING (true);
-- --8<-- [end:uploads]
