"""Idempotency keys for made-up requests: a key used twice for two requests is rightly refused."""

from typing import Any
from uuid import uuid4

import schemathesis

from demo.api.submitting import KEY


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Valid keys are made fresh, and the same in both spellings; invalid ones stay."""
    fresh = str(uuid4())
    for name in ("idempotency-key", "operation-id"):
        if KEY.fullmatch(str((case.headers or {}).get(name, ""))):
            case.headers[name] = fresh
