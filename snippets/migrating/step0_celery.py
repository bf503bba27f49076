"""Step 0, what there is: the message is the task, and the result backend its memory.

run: celery -A step0_celery worker
"""

import os

from celery import Celery
from work import write

app = Celery(broker=os.environ["BROKER"], backend=os.environ["BROKER"])


# --8<-- [start:before]
@app.task(name="report", bind=True)
def report(self, pages: int) -> int:
    for page in range(1, pages + 1):
        write(self.request.id, page)
    return pages


def submit(pages: int) -> str:
    return str(report.delay(pages).id)


def status(id: str) -> str:
    return str(app.AsyncResult(id).state)


# --8<-- [end:before]
