-- What the autoscaler may know: how many slots each queue could use now. No row, no input.
-- --8<-- [start:demand]
CREATE VIEW demand AS
SELECT queue, count(*) AS tasks FROM tasks
WHERE status IN ('running', 'canceling')
   OR status = 'queued'
  AND NOT (dispatches = 0 AND dispatch_after > clock_timestamp()) -- waits out a back-off
GROUP BY queue;

CREATE ROLE lro_scaler LOGIN; -- on Azure: mapped to the scaler's managed identity
GRANT SELECT ON demand TO lro_scaler;
-- --8<-- [end:demand]
