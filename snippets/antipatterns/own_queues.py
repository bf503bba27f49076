"""The right way: a queue for each class of work, and slots that only it may use."""

from one_queue import celery

# --8<-- [start:own]
celery.conf.task_routes = {"report": {"queue": "long"}, "mail": {"queue": "short"}}

# celery -A own_queues worker --concurrency 1 --queues long
# celery -A own_queues worker --concurrency 1 --queues short
# --8<-- [end:own]
