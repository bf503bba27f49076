-- a dead letter is settled once: retried, or set aside; the entry in the audit log is the fact
DROP INDEX audit_discards;
-- --8<-- [start:settled]
CREATE UNIQUE INDEX audit_settled ON audit (task_id)
    WHERE action IN ('dead_letter.retry', 'dead_letter.discard');
CREATE INDEX tasks_failed ON tasks (tenant, id) WHERE status = 'failed';
-- --8<-- [end:settled]
