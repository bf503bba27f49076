-- --8<-- [start:heads]
-- the sweep of a process, for all tenants in one statement: numbers only, and only for who
-- knows a task's id and its tenant
CREATE FUNCTION heads(ids uuid[], tenants text[]) RETURNS TABLE (id uuid, last_seq bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT tasks.id, tasks.last_seq
    FROM unnest(ids, tenants) AS followed (id, tenant)
    JOIN tasks ON tasks.id = followed.id AND tasks.tenant = followed.tenant
$$;
-- --8<-- [end:heads]
REVOKE ALL ON FUNCTION heads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION heads TO lro_api;
