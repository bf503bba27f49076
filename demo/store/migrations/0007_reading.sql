-- --8<-- [start:task-of]
-- the tenant first, then the row, in one round trip: in a plain statement the planner may test
-- the policy before it calls set_config
CREATE FUNCTION task_of(tenant text, id uuid) RETURNS SETOF tasks LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.tenant', task_of.tenant, true);
    RETURN QUERY SELECT * FROM tasks WHERE id = task_of.id;
END $$;
-- --8<-- [end:task-of]
