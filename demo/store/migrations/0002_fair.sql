-- who waits for whom: a task may end by itself at its deadline, and a tenant has a cap
ALTER TABLE tasks
    ADD COLUMN deadline timestamptz,
    ADD CONSTRAINT tasks_priority_check CHECK (priority BETWEEN 0 AND 9);
CREATE INDEX tasks_deadline ON tasks (deadline) WHERE status = 'queued' AND deadline IS NOT NULL;
DROP INDEX tasks_live;
CREATE INDEX tasks_live ON tasks (tenant, id) WHERE status IN ('running', 'canceling');

-- --8<-- [start:guard]
CREATE OR REPLACE FUNCTION guard_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('succeeded', 'failed', 'canceled') THEN
        RAISE EXCEPTION 'task % is final', OLD.id USING ERRCODE = 'LR001';
    END IF;
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('queued', 'running'), ('queued', 'canceled'),
        ('running', 'queued'), ('running', 'succeeded'), ('running', 'failed'),
        ('running', 'canceling'),
        ('canceling', 'canceled'), ('canceling', 'failed')
    ) AND NOT (OLD.status = 'queued' AND NEW.status = 'failed'
               AND coalesce(OLD.deadline < clock_timestamp(), false)) THEN
        RAISE EXCEPTION 'task %: % to % is no transition', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'LR002';
    END IF;
    IF NEW.attempt < OLD.attempt OR NEW.last_seq < OLD.last_seq
       OR (NEW.step < OLD.step AND NEW.version = OLD.version) THEN
        RAISE EXCEPTION 'task %: steps backwards', OLD.id USING ERRCODE = 'LR003';
    END IF;
    IF (NEW.id, NEW.tenant, NEW.kind, NEW.input, NEW.created, NEW.deadline)
       IS DISTINCT FROM (OLD.id, OLD.tenant, OLD.kind, OLD.input, OLD.created, OLD.deadline) THEN
        RAISE EXCEPTION 'task %: what was submitted never changes', OLD.id
            USING ERRCODE = 'LR004';
    END IF;
    RETURN NEW;
END $$;
-- --8<-- [end:guard]

-- --8<-- [start:audit]
CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant  text NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    task_id uuid,                                  -- no reference: the record outlives the task
    was     jsonb,
    became  jsonb
);
CREATE INDEX audit_listed ON audit (tenant, id);
CREATE UNIQUE INDEX audit_discards ON audit (task_id) WHERE action = 'dead_letter.discard';

CREATE FUNCTION guard_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < clock_timestamp() - interval '90 days' THEN
        RETURN OLD;                                -- retention may; nobody rewrites the quarter
    END IF;
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'LR005';
END $$;
CREATE TRIGGER guard_audit BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION guard_audit();
CREATE TRIGGER guard_audit_whole BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION guard_audit();

GRANT SELECT, INSERT ON audit TO lro_api;
GRANT INSERT ON audit TO lro_worker;
GRANT SELECT, DELETE ON audit TO lro_retention;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit TO lro_api USING (tenant = current_setting('app.tenant', true));
CREATE POLICY every ON audit TO lro_worker, lro_retention USING (true);
-- --8<-- [end:audit]

GRANT SELECT, DELETE ON hosts TO lro_retention;
