"""What plain Celery does to a task on Redis when something goes wrong, with real processes.

`python -m snippets.experiments` runs all of it in under three minutes.
"""
