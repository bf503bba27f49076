-- --8<-- [start:tables]
CREATE TABLE tasks (
    id             uuid PRIMARY KEY,               -- UUIDv7: the id carries its time
    tenant         text NOT NULL,
    kind           text NOT NULL,
    version        int  NOT NULL,                  -- of the kind that wrote the checkpoint
    queue          text NOT NULL,
    priority       smallint NOT NULL DEFAULT 5,    -- 0 goes first
    input          jsonb NOT NULL,
    status         text NOT NULL DEFAULT 'queued' CHECK (status IN
                   ('queued', 'running', 'canceling', 'succeeded', 'failed', 'canceled')),
    attempt        int  NOT NULL DEFAULT 0,        -- the fencing token and nothing else
    crashes        int  NOT NULL DEFAULT 0,        -- since the last checkpoint
    failures       int  NOT NULL DEFAULT 0,        -- transient ones, since the last checkpoint
    step           int  NOT NULL DEFAULT 0,
    state          jsonb,
    progress       jsonb NOT NULL DEFAULT '{}',
    last_seq       bigint NOT NULL DEFAULT 0,
    dispatch_after timestamptz NOT NULL DEFAULT clock_timestamp(),
    dispatches     int  NOT NULL DEFAULT 0,
    worker         text,
    lease_until    timestamptz,
    result         jsonb,
    error          jsonb,
    traceparent    text,
    retry_of       uuid,
    created        timestamptz NOT NULL DEFAULT clock_timestamp(),
    started        timestamptz,
    finished       timestamptz
);

CREATE TABLE events (
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    tenant  text NOT NULL,
    seq     bigint NOT NULL,
    type    text NOT NULL CHECK (type IN ('status', 'progress', 'log', 'end')),
    attempt int NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    data    jsonb NOT NULL,
    PRIMARY KEY (task_id, seq)
);

CREATE TABLE effects (
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    tenant  text NOT NULL,
    key     text NOT NULL,
    attempt int NOT NULL,
    result  jsonb,
    PRIMARY KEY (task_id, key)
);

CREATE TABLE idempotency_keys (
    tenant      text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    task_id     uuid NOT NULL,
    expires     timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
-- --8<-- [end:tables]

-- what all processes know of a host outside: when it may be asked again, and whether it answers
CREATE TABLE hosts (
    host       text PRIMARY KEY,
    next_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    failures   int NOT NULL DEFAULT 0,
    open_until timestamptz
);

-- what the broker should remember; less of it there means that it forgot
CREATE TABLE broker_memory (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch   uuid NOT NULL DEFAULT gen_random_uuid(),
    counter bigint NOT NULL DEFAULT 0
);
INSERT INTO broker_memory DEFAULT VALUES;

CREATE INDEX tasks_due ON tasks (queue, dispatch_after) WHERE status = 'queued';
CREATE INDEX tasks_live ON tasks (id) WHERE status IN ('running', 'canceling');
CREATE INDEX tasks_listed ON tasks (tenant, id DESC);
CREATE INDEX tasks_retried ON tasks (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX keys_expiring ON idempotency_keys (expires);

CREATE FUNCTION guard_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('succeeded', 'failed', 'canceled') THEN
        RAISE EXCEPTION 'task % is final', OLD.id USING ERRCODE = 'LR001';
    END IF;
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('queued', 'running'), ('queued', 'canceled'),
        ('running', 'queued'), ('running', 'succeeded'), ('running', 'failed'),
        ('running', 'canceling'),
        ('canceling', 'canceled'), ('canceling', 'failed')
    ) THEN
        RAISE EXCEPTION 'task %: % to % is no transition', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'LR002';
    END IF;
    IF NEW.attempt < OLD.attempt OR NEW.last_seq < OLD.last_seq
       OR (NEW.step < OLD.step AND NEW.version = OLD.version) THEN
        RAISE EXCEPTION 'task %: steps backwards', OLD.id USING ERRCODE = 'LR003';
    END IF;
    IF (NEW.id, NEW.tenant, NEW.kind, NEW.input, NEW.created)
       IS DISTINCT FROM (OLD.id, OLD.tenant, OLD.kind, OLD.input, OLD.created) THEN
        RAISE EXCEPTION 'task %: what was submitted never changes', OLD.id
            USING ERRCODE = 'LR004';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_task BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION guard_task();

-- one rendering of an event, whoever reads it: clients compare byte for byte
CREATE FUNCTION event_json(seq bigint, type text, attempt int, at timestamptz, data jsonb)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('seq', seq, 'type', type, 'attempt', attempt,
        'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'data', data)
$$;

-- --8<-- [start:roles]
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['lro_api', 'lro_worker', 'lro_retention'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT NOBYPASSRLS', role);
        END IF;
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON tasks TO lro_api, lro_worker;
GRANT SELECT, INSERT ON events, effects TO lro_api, lro_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO lro_api;
GRANT SELECT, INSERT, UPDATE ON hosts TO lro_worker;
GRANT SELECT ON hosts TO lro_api;
GRANT SELECT, UPDATE ON broker_memory TO lro_worker;
GRANT SELECT, DELETE ON tasks, events, effects, idempotency_keys TO lro_retention;
GRANT lro_retention TO lro_worker;

-- a query that forgets its tenant shows nothing instead of everything
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE effects ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tasks TO lro_api USING (tenant = current_setting('app.tenant', true));
CREATE POLICY own ON events TO lro_api USING (tenant = current_setting('app.tenant', true));
CREATE POLICY own ON effects TO lro_api USING (tenant = current_setting('app.tenant', true));
CREATE POLICY own ON idempotency_keys TO lro_api
    USING (tenant = current_setting('app.tenant', true));
CREATE POLICY every ON tasks TO lro_worker, lro_retention USING (true);
CREATE POLICY every ON events TO lro_worker, lro_retention USING (true);
CREATE POLICY every ON effects TO lro_worker, lro_retention USING (true);
CREATE POLICY every ON idempotency_keys TO lro_retention USING (true);
-- --8<-- [end:roles]
