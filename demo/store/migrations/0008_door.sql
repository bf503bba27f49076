CREATE INDEX tasks_waiting ON tasks (tenant) WHERE status = 'queued';
CREATE INDEX tasks_ended ON tasks (finished) WHERE finished IS NOT NULL;

-- runs inside the statement that submits: one at a time for a tenant, until that one's COMMIT
CREATE FUNCTION admit(tenant text, most_open int, a_minute int) RETURNS boolean
LANGUAGE plpgsql AS $$
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
          AND status IN ('running', 'canceling')) >= most_open THEN
        RAISE EXCEPTION 'the tenant has % open tasks', most_open USING ERRCODE = 'LR010',
            DETAIL = (SELECT ceil(60 / greatest(count(*), 1.0)) FROM tasks
                      WHERE tenant = admit.tenant AND finished > a_minute_ago);
    END IF;
    SELECT created INTO before FROM tasks WHERE tenant = admit.tenant
        ORDER BY id DESC OFFSET a_minute - 1 LIMIT 1;
    IF a_minute IS NOT NULL AND before > a_minute_ago THEN
        RAISE EXCEPTION '% submissions a minute', a_minute USING ERRCODE = 'LR011',
            DETAIL = ceil(extract(epoch FROM before - a_minute_ago));
    END IF;
    RETURN true;
END $$;

-- how long the queues are and how fast they drain, over all tenants: two numbers, no row
CREATE FUNCTION backlog(most int, OUT waiting bigint, OUT ended_a_minute bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(*) FROM (SELECT FROM tasks WHERE status = 'queued' LIMIT 2 * most) AS few),
           (SELECT count(*) FROM tasks WHERE finished > clock_timestamp() - interval '60 s')
$$;
REVOKE ALL ON FUNCTION backlog(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION backlog(int) TO lro_api;
