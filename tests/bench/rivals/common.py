"""The common pattern: an ORM row, then a Celery message; the status from the result backend."""

import os
from uuid import uuid4

from celery import Celery
from celery.result import AsyncResult
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import JSON, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.bench.rivals.serving import serve

broker = os.environ.get("DEMO_REDIS_URL", "")
celery = Celery("common", broker=broker, backend=broker)


class Base(DeclarativeBase):
    """The ORM's registry."""


class Job(Base):
    """What was submitted."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    input: Mapped[dict[str, object]] = mapped_column(JSON)


class Submission(BaseModel):
    """A request."""

    kind: str
    input: dict[str, object]


app = FastAPI()
url = make_url(os.environ.get("DEMO_DATABASE_URL", "postgresql://"))
engine = create_engine(url.set(drivername="postgresql+psycopg2"), pool_size=16, max_overflow=0)


@app.post("/tasks", status_code=202)
def submit(submission: Submission) -> dict[str, str]:
    """Commit, then publish: a crash between the two loses the task."""
    job = Job(id=str(uuid4()), kind=submission.kind, input=submission.input)
    with Session(engine, expire_on_commit=False) as session:
        session.add(job)
        session.commit()
    celery.send_task("noop", task_id=job.id, queue="common")
    return {"id": job.id}


@app.get("/tasks/{id}")
def status(id: str) -> dict[str, str]:
    """What the backend knows; an unknown id is PENDING, too."""
    return {"id": id, "status": AsyncResult(id, app=celery).state}


if __name__ == "__main__":
    Base.metadata.create_all(engine)
    serve(app)
