"""A bare FastAPI app: it promises nothing, keeps nothing, and answers as fast as FastAPI can."""

from fastapi import FastAPI, Request

from tests.bench.rivals.serving import serve

TASK = {"id": "019aa9d2-6f6d-7c11-8f5e-3d1c8a5b0001", "status": "queued"}
app = FastAPI()


@app.post("/tasks", status_code=202)
async def submit() -> dict[str, str]:
    """202 for anything; the body is not looked at."""
    return TASK


@app.get("/tasks/{id}")
async def status(id: str) -> dict[str, str]:
    """The same answer for all."""
    return TASK


@app.post("/v1/traces")
async def traces(request: Request) -> dict[str, str]:
    """Where the traced API sends its spans: a collector that drops them."""
    await request.body()
    return {}


if __name__ == "__main__":
    serve(app)
