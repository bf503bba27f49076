"""The claim check as a client sees it: a slot is asked for, filled, and then named by a task."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from demo.contract.kinds import whole

SHA_256 = "^[0-9a-f]{64}$"


class SlotRequest(BaseModel):
    """What is going to be uploaded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    size: Annotated[int, BeforeValidator(whole)] = Field(
        ge=1, description="In bytes; at most `DEMO_UPLOAD_LIMIT`."
    )
    sha256: str | None = Field(None, pattern=SHA_256, description="Checked when it is declared.")


class Transfer(BaseModel):
    """How to send the bytes. A signed URL is a password: it is for this client alone."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    resumable: bool = Field(description="Takes `Content-Range` from `received` on.")


class Slot(BaseModel):
    """A place for one upload."""

    id: UUID
    status: Literal["open", "complete"]
    size: int
    received: int = Field(description="Bytes that need not be sent again.")
    sha256: str | None = None
    created: datetime
    expires: datetime = Field(description="Deleted after this, unless an open task uses it.")
    transfer: Transfer | None = Field(None, description="While it is open.")
