-- --8<-- [start:admit]
-- runs inside the statement that submits: one at a time for a tenant, until that one's COMMIT
DROP FUNCTION admit(text, int, int);
CREATE FUNCTION admit(tenant text, most_open int, a_minute int, adding int DEFAULT 1)
RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a_minute_ago timestamptz := clock_timestamp() - interval '60 s';
    before timestamptz;
BEGIN
    IF most_open IS NULL AND a_minute IS NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(admit.tenant, 1));
    IF (SELECT count(*) FROM tasks WHERE tenant = admit.tenant AND status = 'queued')
       + (SELECT count(*) FROM tasks WHERE tenant = admit.tenant
          AND status IN ('running', 'canceling')) + adding > most_open THEN
        RAISE EXCEPTION 'the tenant has % open tasks', most_open USING ERRCODE = 'LR010',
            DETAIL = (SELECT ceil(60 / greatest(count(*), 1.0)) FROM tasks
                      WHERE tenant = admit.tenant AND finished > a_minute_ago);
    END IF;
    SELECT created INTO before FROM tasks WHERE tenant = admit.tenant
        ORDER BY id DESC OFFSET greatest(a_minute - adding, 0) LIMIT 1;
    IF adding > a_minute OR before > a_minute_ago AND a_minute IS NOT NULL THEN
        RAISE EXCEPTION '% submissions a minute', a_minute USING ERRCODE = 'LR011',
            DETAIL = ceil(extract(epoch FROM coalesce(before, clock_timestamp()) - a_minute_ago));
    END IF;
    RETURN true;
END $$;
-- --8<-- [end:admit]
